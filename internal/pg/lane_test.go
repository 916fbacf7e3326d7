package pg

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// known runs a query and gives its one number.
func known(ctx context.Context, tx Tx, sql string) (n int, err error) {
	rows, err := tx.QueryPrepared(ctx, sql)
	if err == nil {
		n, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	}
	return n, err
}

// TestLane: one session for all, which keeps its plans; another when it was lost while it rested; and nothing of
// it reaches the pool.
func TestLane(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c)
		l := NewSession(b.pool)
		look := func() (pid, plans int) {
			t.Helper()
			err := l.Read(t.Context(), func(tx Tx) (err error) {
				if pid, err = known(t.Context(), tx, "SELECT pg_backend_pid()"); err == nil {
					plans, err = known(t.Context(), tx, "SELECT count(*)::int FROM pg_prepared_statements")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return pid, plans
		}
		first, _ := look()
		second, plans := look()
		if first != second || plans != 2 {
			t.Errorf("sessions %d and %d with %d plans", first, second, plans)
		}
		if yes, err := l.HasRow(t.Context(), "SELECT FROM pg_class LIMIT 1"); err != nil || !yes {
			t.Errorf("a question that has an answer: %v, %v", yes, err)
		}
		if yes, err := l.HasRow(t.Context(), "SELECT FROM pg_class WHERE false"); err != nil || yes {
			t.Errorf("a question that has none: %v, %v", yes, err)
		}
		b.run(b.session("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain' AND datname = current_database()")
		l.used = l.used.Add(-2 * resting)
		if third, _ := look(); third == first {
			t.Error("the session that was ended is there still")
		}
		l.Close(t.Context())
		b.nothingLeft()
		var alive int
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			err := Read(t.Context(), b.pool, func(tx Tx) (err error) {
				alive, err = known(t.Context(), tx, "SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'plain' AND datname = current_database()")
				return err
			})
			if err != nil || alive == 1 { // the pool's own
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d sessions", alive)
			}
		}
	})
}

// TestLaneInOneMessage: the first queries of a transaction begin it, and the last ones end it.
func TestLaneInOneMessage(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c)
		l := NewSession(b.pool)
		defer l.Close(t.Context())
		ask := func(into *string, sql string) Query {
			return Query{SQL: sql, Read: func(rows pgx.Rows) (err error) {
				*into, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
				return err
			}}
		}
		var level, before, after string
		const snapshot = "SELECT pg_current_snapshot()::text"
		err := l.Read(t.Context(), func(tx Tx) error {
			if err := tx.CommitWithLast().QueryAll(t.Context(), ask(&level, "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only')"), ask(&before, snapshot)); err != nil {
				return err
			}
			b.run(b.session("postgres"), "SELECT pg_current_xact_id()")
			if err := tx.CommitWithLast().QueryAllLast(t.Context(), ask(&after, snapshot)); err != nil {
				return err
			}
			if status := l.conn.PgConn().TxStatus(); status != 'I' {
				t.Errorf("the transaction's status is %c behind its last query", status)
			}
			return nil
		})
		if err != nil || level != "repeatable read on" || before != after {
			t.Errorf("%s, from %s to %s: %v", level, before, after, err)
		}
		broken := l.Read(t.Context(), func(tx Tx) error {
			return tx.CommitWithLast().QueryAllLast(t.Context(), ask(&after, "SELECT (1/0)::text"))
		})
		if _, err := l.HasRow(t.Context(), "SELECT"); broken == nil || err != nil || l.conn.PgConn().TxStatus() != 'I' {
			t.Errorf("a query that failed: %v; the next one: %v", broken, err)
		}
	})
}

// TestKeptLanes: a lane that is given back is taken again, until the end of those who keep it.
func TestKeptLanes(t *testing.T) {
	b := lay(t, servertest.Cluster(t, 15))
	ctx, end := WithSessions(t.Context())
	pid := func(l *Session) (pid int) {
		err := l.Read(ctx, func(tx Tx) (err error) { pid, err = known(ctx, tx, "SELECT pg_backend_pid()"); return err })
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	one, other := AcquireSession(ctx, b.pool), AcquireSession(ctx, b.pool)
	first := pid(one)
	if pid(other) == first {
		t.Error("two lanes have one session")
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
		t.Error("a session is kept that is older than a connection of the pool may become")
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
		t.Error("a session is kept when nobody keeps any")
	}
}

// nothingLeft fails where a session of the pool bears what a lane has set, or keeps plans.
func (b *bed) nothingLeft() {
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
