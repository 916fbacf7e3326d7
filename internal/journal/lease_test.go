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

// acquireSilent acquires a lease that has had no heartbeat for a minute.
func acquireSilent(t *testing.T, pool *pgxpool.Pool, schema string) *Lease {
	t.Helper()
	token, err := acquire(t.Context(), pool, schema, Holder{Host: "attic", PID: 4711, Program: "0.9", Command: "down"})
	must(t, err)
	exec(t, pool, "UPDATE rekey.leases SET heartbeat = heartbeat - interval '1 minute'")
	return &Lease{pool: pool, schema: schema, token: token, lost: make(chan struct{})}
}

func TestSecondAcquireIsRefused(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), newJournal(t, c)
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
		if !strings.Contains(p.Hint, "expires in ") {
			t.Errorf("the hint is %q", p.Hint)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		must(t, first.Release(gone)) // as after Ctrl-C
		must(t, first.Release(ctx))
		again, err := Acquire(ctx, pool, "public", me)
		must(t, err)
		must(t, again.Release(ctx))
		must(t, other.Release(ctx))
	})
}

func TestOnlyOneTakesOver(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		old := acquireSilent(t, pool, "public")
		var all sync.WaitGroup
		var won atomic.Int32
		for range 6 {
			all.Go(func() {
				_, err := acquire(t.Context(), pool, "public", Here("1.0", "up"))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, problem.ErrRunning) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d processes acquired the lease", won.Load())
		}
		err := pg.Run(t.Context(), pool, shortTx(), func(tx pg.Tx) error { return old.Guard(t.Context(), tx) })
		if !errors.Is(err, ErrLost) {
			t.Errorf("the old holder's Guard returned %v", err)
		}
	})
}

// TestTakeoverWaitsForGuardedTransaction checks that a guarded transaction ends before another run can take over.
func TestTakeoverWaitsForGuardedTransaction(t *testing.T) {
	t.Parallel()
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), newJournal(t, c)
		old := acquireSilent(t, pool, "public")
		inTx(t, pool, func(ctx context.Context, tx pg.Tx) error {
			must(t, old.Guard(ctx, tx))
			_, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
			p := wantProblem(t, err, problem.ErrRunning, "lease_held")
			if !strings.Contains(p.Detail, "attic") || !strings.Contains(p.Detail, "last transaction is open") {
				t.Errorf("the detail is %q", p.Detail)
			}
			return nil
		})
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		must(t, old.release(ctx))
		inTx(t, pool, lease.Guard)
		must(t, lease.Release(ctx))
	})
}

func heartbeat(t *testing.T, pool *pgxpool.Pool) time.Time {
	t.Helper()
	return queryValue[time.Time](t, pool, "SELECT heartbeat FROM rekey.leases")
}

// TestHeartbeatDuringGuardedTransaction checks that heartbeat and guarded transaction do not block each other.
func TestHeartbeatDuringGuardedTransaction(t *testing.T) {
	t.Parallel()
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), newJournal(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		inTx(t, pool, func(ctx context.Context, tx pg.Tx) error {
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

func TestLeaseIsLostWhenTakenOver(t *testing.T) {
	t.Parallel()
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), newJournal(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		exec(t, pool, "UPDATE rekey.leases SET token = gen_random_uuid()")
		<-lease.Lost()
		err = pg.Run(ctx, pool, shortTx(), func(tx pg.Tx) error { return lease.Guard(ctx, tx) })
		if !errors.Is(err, ErrLost) {
			t.Errorf("Guard returned %v", err)
		}
		must(t, lease.Release(ctx))
		if n := queryValue[int](t, pool, "SELECT count(*) FROM rekey.leases"); n != 1 {
			t.Error("Release deleted another run's lease")
		}
	})
}

func TestLeaseIsLostWithoutHeartbeat(t *testing.T) {
	t.Parallel()
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ctx, pool := t.Context(), newJournal(t, c)
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
		inTx(t, pool, func(ctx context.Context, tx pg.Tx) error {
			holding, err := LoadLease(ctx, tx, "public")
			if err == nil && holding.SinceHeartbeat < leaseTimeout/2 { // the clocks of process and server start at different times
				t.Errorf("lost %v after its last heartbeat", holding.SinceHeartbeat)
			}
			return err
		})
		must(t, lease.Release(ctx))
	})
}

// TestHeartbeatFromTheFutureExpires checks that a lease is not held by a heartbeat that was written before the
// server's clock was set back.
func TestHeartbeatFromTheFutureExpires(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		acquireSilent(t, pool, "public")
		exec(t, pool, "UPDATE rekey.leases SET heartbeat = heartbeat + interval '1 hour'")
		_, err := acquire(t.Context(), pool, "public", Here("1.0", "up"))
		must(t, err)
	})
}

// TestReleaseReconnects checks that Release succeeds although the server has ended the run's sessions.
func TestReleaseReconnects(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), newJournal(t, c)
		admin := servertest.Pool(t, pool.Config().ConnString())
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		lease.cancel() // otherwise the heartbeat might notice the ended sessions first
		<-lease.done
		exec(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if pool.Stat().IdleConns() == 0 {
			t.Fatal("the pool has no ended connection left, so that this test proves nothing")
		}
		must(t, lease.Release(ctx))
		if n := queryValue[int](t, admin, "SELECT count(*) FROM rekey.leases"); n != 0 {
			t.Errorf("%d leases are left", n)
		}
	})
}
