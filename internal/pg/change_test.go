package pg

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// testTimeout ends a test in which an expected event does not happen.
const testTimeout = 5 * time.Minute

// testDB is a database with a table t that an ordinary role owns.
type testDB struct {
	*testing.T
	db   servertest.DB
	pool *pgxpool.Pool // connects as the ordinary role
}

func newTestDB(t *testing.T, c *server.Cluster) *testDB {
	t.Helper()
	b := &testDB{T: t, db: servertest.Database(t, c)}
	admin := b.session("postgres")
	b.exec(admin, `DO $$BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
		CREATE TABLE t (id int); ALTER TABLE t OWNER TO plain`)
	config, err := pgxpool.ParseConfig(b.db.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.User = "plain"
	config.MaxConns = 2
	if b.pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.pool.Close)
	return b
}

// session opens a connection outside of the pool, as an application does.
func (b *testDB) session(role string) *pgconn.PgConn {
	b.Helper()
	config, err := pgconn.ParseConfig(b.db.URL)
	if err != nil {
		b.Fatal(err)
	}
	config.User = role
	config.RuntimeParams["application_name"] = "report"
	conn, err := pgconn.ConnectConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (b *testDB) exec(conn *pgconn.PgConn, sql string) {
	b.Helper()
	if _, err := conn.Exec(b.Context(), sql).ReadAll(); err != nil {
		b.Fatalf("%v in %s", err, sql)
	}
}

func (b *testDB) changer() Changer {
	l := NewSession(b.pool)
	b.Cleanup(func() { l.Close(context.Background()) })
	return Changer{
		Session: l, Watch: b.pool, LockTimeout: 100 * time.Millisecond, RetryTimeout: 10 * time.Minute,
		DeadlockTimeout: 100 * time.Millisecond,
	}
}

func exclusive(table string) []lock.Lock {
	return []lock.Lock{lock.On(sqltext.Table{Schema: "public", Name: table}, lock.AccessExclusive)}
}

func addColumn() Change {
	return Change{Locks: exclusive("t"), Statements: []string{"ALTER TABLE public.t ADD c int"}}
}

// TestFailedAttemptNamesBlockers checks that a failed attempt names each kind of blocker, of the same role and of
// another one.
func TestFailedAttemptNamesBlockers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		for _, kept := range []struct{ name, role, hold, release, named string }{
			{
				"an old reader", "plain", "BEGIN; SELECT count(*) FROM public.t WHERE id = 4711; SELECT pg_sleep(1.1)", "COMMIT",
				"report, idle in transaction, for ",
			},
			{
				"a maintenance lock", "plain", "BEGIN; LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE", "COMMIT",
				"report, idle in transaction",
			},
			{
				"a maintenance lock of another role", "postgres", "BEGIN; LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE", "COMMIT",
				"report",
			},
			{
				"a prepared transaction", "plain", "BEGIN; INSERT INTO public.t VALUES (1); PREPARE TRANSACTION 'forgotten'", "COMMIT PREPARED 'forgotten'",
				"prepared transaction forgotten",
			},
			{
				"a prepared maintenance lock", "plain", "BEGIN; LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE; PREPARE TRANSACTION 'left'", "COMMIT PREPARED 'left'",
				"prepared transaction left",
			},
		} {
			t.Run(kept.name, func(t *testing.T) {
				t.Parallel()
				b := newTestDB(t, c)
				holder := b.session(kept.role)
				b.exec(holder, kept.hold)
				var seen []string
				stop := make(chan struct{})
				changer := b.changer()
				changer.Stop = stop
				changer.AttemptFailed = func(r FailedAttempt) {
					for _, blocker := range r.Blockers {
						seen = append(seen, blocker.String())
						if len(seen) == 1 {
							close(stop)
						}
					}
				}
				if _, err := changer.Do(t.Context(), addColumn()); !errors.Is(err, ErrStopped) {
					t.Fatalf("Do returned %v; blockers %q", err, seen)
				}
				if len(seen) != 1 || !strings.Contains(seen[0], kept.named) || strings.Contains(seen[0], "4711") || strings.Contains(seen[0], "pid 0") {
					t.Errorf("blockers are %q, want %s", seen, kept.named)
				}
				b.exec(holder, kept.release)
				if taken, err := b.changer().Do(t.Context(), addColumn()); err != nil || !taken.Blocked {
					t.Errorf("after the blocker has ended: %+v, %v", taken, err)
				}
			})
		}
	})
}
