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

// shortBounds returns a context with bounds that a test can wait for, on a busy machine too.
func shortBounds(ctx context.Context) context.Context {
	return WithBounds(ctx, Bounds{Probe: time.Second, Silent: 2 * time.Second, Late: time.Second})
}

// throughNetwork returns a pool whose connections pass through a network that the test can silence.
func (b *testDB) throughNetwork() (*servertest.Network, *pgxpool.Pool) {
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
	b.Cleanup(func() { go pool.Close() }) // Close waits for silent connections
	return n, pool
}

// bounded calls do and fails the test if it hangs.
func bounded(t *testing.T, do func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(shortBounds(t.Context()), testTimeout)
	defer cancel()
	err := do(ctx)
	if ctx.Err() != nil {
		t.Error("it hung")
	}
	return err
}

// TestSilentNetworkEndsEveryOperation checks that every operation ends when nothing arrives on any connection.
func TestSilentNetworkEndsEveryOperation(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
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
			"a session's query": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				l := NewSession(pool)
				defer l.Close(ctx)
				return l.read(ctx, func(tx Tx) error {
					n.Silence()
					_, err := queryInt(ctx, tx, "SELECT 1")
					return err
				})
			},
			"a change": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
				l := NewSession(pool)
				defer l.Close(ctx)
				changer := Changer{Session: l, Watch: pool, LockTimeout: 50 * time.Millisecond, RetryTimeout: testTimeout, DeadlockTimeout: time.Second, Fence: "SELECT"}
				change := addColumn()
				change.Statements = append(change.Statements, "SELECT pg_sleep(2)")
				go func() { time.Sleep(500 * time.Millisecond); n.Silence() }()
				_, err := changer.Do(ctx, change)
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newTestDB(t, c)
				n, pool := b.throughNetwork()
				err := bounded(t, func(ctx context.Context) error { return do(ctx, n, pool) })
				if err == nil || !Lost(err) {
					t.Errorf("it ended with %v", err)
				}
			})
		}
	})
}

// TestSilentConnectionIsReplaced checks that an operation succeeds over a new connection when only the open ones
// are silent.
func TestSilentConnectionIsReplaced(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
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
			"an idle session": func(ctx context.Context, n *servertest.Network, pool *pgxpool.Pool) error {
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
				b := newTestDB(t, c)
				n, pool := b.throughNetwork()
				err := bounded(t, func(ctx context.Context) error {
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

// TestLongStatementIsNotSilence checks that a statement may take any time while the server works on it, inside and
// outside of a transaction.
func TestLongStatementIsNotSilence(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newTestDB(t, c)
		n, pool := b.throughNetwork()
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
			t.Errorf("%d connections: the watchdog did not probe", n.Opened()-begun)
		}
	})
}

// TestReadRetriesLostConnections checks which errors Read retries.
func TestReadRetriesLostConnections(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newTestDB(t, c)
		times := 0
		ctx := t.Context()
		err := Read(ctx, b.pool, func(tx Tx) error { // like a machine that is suspended
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
