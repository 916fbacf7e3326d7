package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// silent takes a lease that has had no heartbeat for a minute.
func silent(t *testing.T, pool *pgxpool.Pool, scope string) *Lease {
	t.Helper()
	token, err := take(t.Context(), pool, scope, Holder{Host: "attic", PID: 4711, Program: "0.9", Command: "down"})
	must(t, err)
	exec(t, pool, "UPDATE rekey.leases SET heartbeat = heartbeat - interval '1 minute'")
	return &Lease{pool: pool, scope: scope, token: token, lost: make(chan struct{})}
}

func TestTwoHolders(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), fresh(t, c)
		me := Here("1.0", "up")
		first, err := Acquire(ctx, pool, "public", me)
		must(t, err)
		other, err := Acquire(ctx, pool, `Auth-Kit "2"`, me)
		must(t, err)
		_, err = Acquire(ctx, pool, "public", me)
		p := wantProblem(t, err, problem.ErrRunning, "lease_held")
		for _, part := range []string{me.Host, fmt.Sprint("pid ", me.PID), "rekey up", "since 2"} {
			if !strings.Contains(p.Detail, part) {
				t.Errorf("no %q in %q", part, p.Detail)
			}
		}
		if !strings.Contains(p.Hint, "falls in ") {
			t.Errorf("the hint is %q", p.Hint)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		must(t, first.Release(gone)) // after Ctrl-C, too
		must(t, first.Release(ctx))
		again, err := Acquire(ctx, pool, "public", me)
		must(t, err)
		must(t, again.Release(ctx))
		must(t, other.Release(ctx))
	})
}

func TestOneOfManyTakesOver(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := fresh(t, c)
		old := silent(t, pool, "public")
		var all sync.WaitGroup
		var won atomic.Int32
		for range 6 {
			all.Go(func() {
				_, err := take(t.Context(), pool, "public", Here("1.0", "up"))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, problem.ErrRunning) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have it", won.Load())
		}
		err := pg.Run(t.Context(), pool, brief(), func(tx pg.Tx) error { return old.Guard(t.Context(), tx) })
		if !errors.Is(err, ErrLost) {
			t.Errorf("the old holder's guard says %v", err)
		}
	})
}

// A batch that has been guarded is committed before anybody takes over, or not at all.
func TestGuardHoldsTakeoverUp(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), fresh(t, c)
		old := silent(t, pool, "public")
		run(t, pool, func(ctx context.Context, tx pg.Tx) error {
			must(t, old.Guard(ctx, tx))
			_, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
			p := wantProblem(t, err, problem.ErrRunning, "lease_held")
			if !strings.Contains(p.Detail, "attic") || !strings.Contains(p.Detail, "still open") {
				t.Errorf("the detail is %q", p.Detail)
			}
			return nil
		})
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		must(t, old.drop(ctx))
		run(t, pool, lease.Guard)
		must(t, lease.Release(ctx))
	})
}

func heartbeat(t *testing.T, pool *pgxpool.Pool) time.Time {
	t.Helper()
	return ask[time.Time](t, pool, "SELECT heartbeat FROM rekey.leases")
}

// The heartbeat gets through beside a connection that is busy with a guarded transaction, and stops
// neither it nor itself.
func TestHeartbeatBesideBusyConnection(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), fresh(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		run(t, pool, func(ctx context.Context, tx pg.Tx) error {
			must(t, lease.Guard(ctx, tx))
			for range 2 {
				for before := heartbeat(t, pool); heartbeat(t, pool).Equal(before); {
					time.Sleep(100 * time.Millisecond)
					if _, err := tx.Exec(ctx, "SELECT"); err != nil { // not idle
						return err
					}
				}
			}
			return lease.Guard(ctx, tx)
		})
		must(t, lease.Release(ctx))
	})
}

func TestLostWhenTaken(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), fresh(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		exec(t, pool, "UPDATE rekey.leases SET token = gen_random_uuid()")
		<-lease.Lost()
		err = pg.Run(ctx, pool, brief(), func(tx pg.Tx) error { return lease.Guard(ctx, tx) })
		if !errors.Is(err, ErrLost) {
			t.Errorf("its guard says %v", err)
		}
		must(t, lease.Release(ctx))
		if n := ask[int](t, pool, "SELECT count(*) FROM rekey.leases"); n != 1 {
			t.Error("it released the lease of another")
		}
	})
}

func TestLostWhenItCannotBeRenewed(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), fresh(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		var busy []*pgxpool.Conn
		for range 2 { // no connection is left
			conn, err := pool.Acquire(ctx)
			must(t, err)
			busy = append(busy, conn)
		}
		<-lease.Lost()
		for _, conn := range busy {
			conn.Release()
		}
		run(t, pool, func(ctx context.Context, tx pg.Tx) error {
			holding, err := LoadLease(ctx, tx, "public")
			if err == nil && holding.SinceHeartbeat < fall/2 { // the process's clock and the server's begin apart
				t.Errorf("lost %v after its last heartbeat", holding.SinceHeartbeat)
			}
			return err
		})
		must(t, lease.Release(ctx))
	})
}

// The server's clock was set back: a heartbeat from the future keeps nobody away.
func TestHeartbeatFromTheFuture(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := fresh(t, c)
		silent(t, pool, "public")
		exec(t, pool, "UPDATE rekey.leases SET heartbeat = heartbeat + interval '1 hour'")
		_, err := take(t.Context(), pool, "public", Here("1.0", "up"))
		must(t, err)
	})
}

// The server may end the run's sessions just when it gives the lease back.
func TestReleaseOverAnotherSession(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), fresh(t, c)
		admin := servertest.Pool(t, pool.Config().ConnString())
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		lease.cancel() // or its heartbeat might find out first, and clear away what this is about
		<-lease.done
		exec(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if pool.Stat().IdleConns() == 0 {
			t.Fatal("no session that has ended is left to be used: this proves nothing")
		}
		must(t, lease.Release(ctx))
		if n := ask[int](t, admin, "SELECT count(*) FROM rekey.leases"); n != 0 {
			t.Errorf("%d leases are left", n)
		}
	})
}
