package pg

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// queryInt runs a query that returns one number.
func queryInt(ctx context.Context, tx Tx, sql string) (n int, err error) {
	rows, err := tx.QueryPrepared(ctx, sql)
	if err == nil {
		n, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	}
	return n, err
}

// TestSessionKeepsPlansAndReconnects checks that a session keeps its connection and its plans, reconnects when the
// connection was lost while idle, and leaves nothing on the pool's connections.
func TestSessionKeepsPlansAndReconnects(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		l := NewSession(b.pool)
		read := func() (pid, plans int) {
			t.Helper()
			err := l.Read(t.Context(), func(tx Tx) (err error) {
				if pid, err = queryInt(t.Context(), tx, "SELECT pg_backend_pid()"); err == nil {
					plans, err = queryInt(t.Context(), tx, "SELECT count(*)::int FROM pg_prepared_statements")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return pid, plans
		}
		first, _ := read()
		second, plans := read()
		if first != second || plans != 2 {
			t.Errorf("sessions %d and %d with %d plans", first, second, plans)
		}
		if yes, err := l.HasRow(t.Context(), "SELECT FROM pg_class LIMIT 1"); err != nil || !yes {
			t.Errorf("HasRow of a query with a row: %v, %v", yes, err)
		}
		if yes, err := l.HasRow(t.Context(), "SELECT FROM pg_class WHERE false"); err != nil || yes {
			t.Errorf("HasRow of a query without rows: %v, %v", yes, err)
		}
		b.exec(b.session("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain' AND datname = current_database()")
		l.used = l.used.Add(-2 * pingAfter)
		if third, _ := read(); third == first {
			t.Error("the ended session is still used")
		}
		l.Close(t.Context())
		b.poolUnchanged()
		var alive int
		for deadline := time.Now().Add(testTimeout); ; time.Sleep(20 * time.Millisecond) {
			err := Read(t.Context(), b.pool, func(tx Tx) (err error) {
				alive, err = queryInt(t.Context(), tx, "SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'plain' AND datname = current_database()")
				return err
			})
			if err != nil || alive == 1 { // the pool's connection
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d sessions are left, want 1", alive)
			}
		}
	})
}

// TestSessionPipelinesBeginAndCommit checks that BEGIN is sent with the first queries and COMMIT with the last
// ones.
func TestSessionPipelinesBeginAndCommit(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		l := NewSession(b.pool)
		defer l.Close(t.Context())
		query := func(into *string, sql string) Query {
			return Query{SQL: sql, Read: func(rows pgx.Rows) (err error) {
				*into, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
				return err
			}}
		}
		var level, before, after string
		const snapshot = "SELECT pg_current_snapshot()::text"
		err := l.Read(t.Context(), func(tx Tx) error {
			if err := tx.CommitWithLast().QueryAll(t.Context(), query(&level, "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only')"), query(&before, snapshot)); err != nil {
				return err
			}
			b.exec(b.session("postgres"), "SELECT pg_current_xact_id()")
			if err := tx.CommitWithLast().QueryAllLast(t.Context(), query(&after, snapshot)); err != nil {
				return err
			}
			if status := l.conn.PgConn().TxStatus(); status != 'I' {
				t.Errorf("the transaction status after the last query is %c", status)
			}
			return nil
		})
		if err != nil || level != "repeatable read on" || before != after {
			t.Errorf("%s, from %s to %s: %v", level, before, after, err)
		}
		broken := l.Read(t.Context(), func(tx Tx) error {
			return tx.CommitWithLast().QueryAllLast(t.Context(), query(&after, "SELECT (1/0)::text"))
		})
		if _, err := l.HasRow(t.Context(), "SELECT"); broken == nil || err != nil || l.conn.PgConn().TxStatus() != 'I' {
			t.Errorf("a query that failed: %v; the next one: %v", broken, err)
		}
	})
}

// TestReleasedSessionsAreReused checks that AcquireSession returns a released session, until the context's sessions
// are closed.
func TestReleasedSessionsAreReused(t *testing.T) {
	b := newTestDB(t, servertest.Cluster(t, 15))
	ctx, end := WithSessions(t.Context())
	pid := func(l *Session) (pid int) {
		err := l.Read(ctx, func(tx Tx) (err error) { pid, err = queryInt(ctx, tx, "SELECT pg_backend_pid()"); return err })
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	one, other := AcquireSession(ctx, b.pool), AcquireSession(ctx, b.pool)
	first := pid(one)
	if pid(other) == first {
		t.Error("two sessions share one connection")
	}
	one.Release(ctx)
	if again := AcquireSession(ctx, b.pool); pid(again) != first {
		t.Error("the session was not kept")
	} else {
		again.Release(ctx)
	}
	stale := AcquireSession(ctx, b.pool)
	stale.opened = stale.opened.Add(-b.pool.Config().MaxConnLifetime - time.Second)
	if stale.Release(ctx); stale.conn != nil {
		t.Error("a session older than MaxConnLifetime is kept")
	}
	if _, err := other.conn.Exec(ctx, "BEGIN", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if other.Release(ctx); other.conn != nil {
		t.Error("a session in a transaction is kept")
	}
	last := AcquireSession(ctx, b.pool)
	pid(last)
	end()
	if last.Release(ctx); last.conn != nil || AcquireSession(t.Context(), b.pool).conn != nil {
		t.Error("a session is kept although the context keeps none")
	}
}

// poolUnchanged fails the test if a connection of the pool has a setting or a plan of a session.
func (b *testDB) poolUnchanged() {
	b.Helper()
	var path, mode string
	var plans int
	err := b.pool.QueryRow(b.Context(), "SELECT current_setting('search_path'), current_setting('plan_cache_mode'), (SELECT count(*) FROM pg_prepared_statements)::int",
		pgx.QueryExecModeExec).Scan(&path, &mode, &plans)
	if err != nil {
		b.Fatal(err)
	}
	if path == "pg_catalog" || mode != "auto" || plans > 0 {
		b.Errorf("a session of the pool has search_path %s, plan_cache_mode %s, %d plans", path, mode, plans)
	}
}
