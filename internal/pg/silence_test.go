package pg

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// short are bounds that a test can wait for, on a busy machine too.
func short(ctx context.Context) context.Context {
	return WithBounds(ctx, Bounds{Probe: time.Second, Silent: 2 * time.Second, Late: time.Second})
}

// afar is a pool whose connections go through a network.
func (b *bed) afar() (*servertest.Network, *pgxpool.Pool) {
	b.Helper()
	n := servertest.Through(b, b.db.URL)
	config, err := pgxpool.ParseConfig(n.URL)
	if err != nil {
		b.Fatal(err)
	}
	config.ConnConfig.User, config.MaxConns = "plain", 2
	config.PingTimeout = time.Second
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { go pool.Close() }) // it waits for connections that are silent
	return n, pool
}

// soon ends what hangs, and fails then.
func soon(t *testing.T, do func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(short(t.Context()), patience)
	defer cancel()
	err := do(ctx)
	if ctx.Err() != nil {
		t.Error("it hung")
	}
	return err
}

// TestSilentNetwork: nothing arrives on any connection, whatever was being done, and it ends.
func TestSilentNetwork(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		for name, do := range map[string]func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error{
			"before BEGIN": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				n.Silence()
				return Run(ctx, pool, Settings{}, func(Tx) error { return nil })
			},
			"a statement without a timeout": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				return Run(ctx, pool, Settings{}, func(tx Tx) error {
					n.Silence()
					_, err := tx.Exec(ctx, "SELECT 1")
					return err
				})
			},
			"a statement with a timeout": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				return Run(ctx, pool, Settings{Statement: time.Second}, func(tx Tx) error {
					n.Silence()
					_, err := tx.Exec(ctx, "SELECT 1")
					return err
				})
			},
			"a query": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				return Run(ctx, pool, Settings{}, func(tx Tx) error {
					found, err := tx.Query(ctx, "SELECT pg_sleep(0.001) FROM generate_series(1, 100000)")
					if err != nil {
						return err
					}
					defer found.Close()
					for found.Next() {
						n.Silence()
					}
					return found.Err()
				})
			},
			"COMMIT": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				return Run(ctx, pool, Settings{}, func(Tx) error { n.Silence(); return nil })
			},
			"a statement outside of a transaction": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				l := NewSession(pool)
				defer l.Close(ctx)
				return l.Exec(ctx, "VACUUM public.t", func(uint32) { n.Silence() })
			},
			"a session that looks": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				l := NewSession(pool)
				defer l.Close(ctx)
				return l.read(ctx, func(tx Tx) error {
					n.Silence()
					_, err := known(ctx, tx, "SELECT 1")
					return err
				})
			},
			"a change": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				l := NewSession(pool)
				defer l.Close(ctx)
				changer := Changer{Session: l, Watch: pool, LockTimeout: 50 * time.Millisecond, RetryTimeout: patience, DeadlockTimeout: time.Second, Fence: "SELECT"}
				change := addColumn()
				change.Statements = append(change.Statements, "SELECT pg_sleep(2)")
				go func() { time.Sleep(500 * time.Millisecond); n.Silence() }()
				_, err := changer.Do(ctx, change)
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := lay(t, c)
				n, pool := b.afar()
				err := soon(t, func(ctx context.Context) error { return do(ctx, n, pool) })
				if err == nil || !Lost(err) {
					t.Errorf("it ended with %v", err)
				}
			})
		}
	})
}

// TestSilentConnection: only the connections that are open are silent; another one does it.
func TestSilentConnection(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		for name, do := range map[string]func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error{
			"idle in the pool": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				for range 2 {
					conn, err := pool.Acquire(ctx)
					if err != nil {
						return err
					}
					defer conn.Release()
				}
				n.SilenceOpen()
				return nil
			},
			"in the middle": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				times := 0
				return Read(ctx, pool, func(tx Tx) error {
					if times++; times == 1 {
						n.SilenceOpen()
					}
					_, err := tx.Exec(ctx, "SELECT 1")
					return err
				})
			},
			"a session that rests": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				l := NewSession(pool)
				defer l.Close(ctx)
				if _, err := l.HasRow(ctx, "SELECT"); err != nil {
					return err
				}
				n.SilenceOpen()
				_, err := l.HasRow(ctx, "SELECT")
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := lay(t, c)
				n, pool := b.afar()
				err := soon(t, func(ctx context.Context) error {
					if err := do(ctx, n, pool); err != nil {
						return err
					}
					return Read(ctx, pool, func(Tx) error { return nil })
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// TestWorkIsNotSilence: a statement may take as long as it likes while the server works on it, in a transaction or
// not, and rows may be read slowly.
func TestWorkIsNotSilence(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := lay(t, c)
		n, pool := b.afar()
		begun := n.Opened()
		ctx := WithBounds(t.Context(), Bounds{Probe: 200 * time.Millisecond, Silent: time.Second, Late: time.Second})
		if err := Run(ctx, pool, Settings{}, func(tx Tx) error {
			_, err := tx.Exec(ctx, "SELECT pg_sleep(3)")
			return err
		}); err != nil {
			t.Errorf("in a transaction: %v", err)
		}
		if err := ExecOutsideTx(ctx, pool, "SELECT pg_sleep(3)", nil); err != nil {
			t.Errorf("outside of one: %v", err)
		}
		if n.Opened()-begun < 4 {
			t.Errorf("%d connections: it was not watched", n.Opened()-begun)
		}
	})
}

// TestLost: what may succeed over another connection, and what not.
func TestLost(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := lay(t, c)
		times := 0
		ctx := t.Context()
		err := Read(ctx, b.pool, func(tx Tx) error { // as a paused machine
			if times++; times == 1 {
				if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 1"); err != nil {
					return err
				}
				time.Sleep(500 * time.Millisecond)
			}
			_, err := tx.Exec(ctx, "SELECT 1")
			return err
		})
		if err != nil || times != 2 {
			t.Errorf("idle for too long: %v after %d times", err, times)
		}
		times = 0
		err = Read(ctx, b.pool, func(tx Tx) error {
			times++
			_, err := tx.Exec(ctx, "SELECT 1/0")
			return err
		})
		if err == nil || Lost(err) || times != 1 {
			t.Errorf("an error of the statement: %v after %d times", err, times)
		}
		gone, cancel := context.WithCancel(ctx)
		err = Read(gone, b.pool, func(tx Tx) error {
			cancel()
			_, err := tx.Exec(gone, "SELECT 1")
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a context that ended: %v", err)
		}
	})
}
