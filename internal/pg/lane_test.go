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
	rows, err := tx.Known(ctx, sql)
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
		l := NewLane(b.pool)
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
		if yes, err := l.Holds(t.Context(), "SELECT FROM pg_class LIMIT 1"); err != nil || !yes {
			t.Errorf("a question that has an answer: %v, %v", yes, err)
		}
		if yes, err := l.Holds(t.Context(), "SELECT FROM pg_class WHERE false"); err != nil || yes {
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
