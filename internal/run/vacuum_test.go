package run

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// TestVacuumIsCancelledWhenUnwanted checks that the statement, a long one in place of a VACUUM, is cancelled when a
// session waits for the table, when the run is paused and when it must end.
func TestVacuumIsCancelledWhenUnwanted(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, err := pgxpool.New(t.Context(), servertest.Database(t, c).URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		if _, err := pool.Exec(t.Context(), "CREATE TABLE t ()"); err != nil {
			t.Fatal(err)
		}
		const long = "SELECT pg_sleep(60)"
		stop := make(chan struct{})
		for _, cause := range []struct {
			name string
			act  func(*Executor) (end func())
		}{
			{"a session waits", func(*Executor) func() { return holdAndWait(t, pool) }},
			{"the run is paused", func(e *Executor) func() { e.Pace.Pause("query", "it is busy"); return func() {} }},
			{"the run must end", func(*Executor) func() { close(stop); return func() {} }},
		} {
			e := &Executor{Pool: pool, Direct: pool, Pace: pace.New("", 0), Stop: stop}
			end := cause.act(e)
			err := e.vacuum(step.Target{Schema: "public", Table: "t"})(t.Context(), long)
			end()
			var said *pgconn.PgError
			if !errors.As(err, &said) || said.Code != pgerrcode.QueryCanceled {
				t.Errorf("%s: the statement returned %v", cause.name, err)
			}
		}
	})
}

// holdAndWait makes a session wait for another session's lock on the table.
func holdAndWait(t *testing.T, pool *pgxpool.Pool) (end func()) {
	t.Helper()
	ctx := context.Background()
	holder, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(ctx, "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := pool.Exec(ctx, "ALTER TABLE t SET (fillfactor = 90)"); err != nil {
			t.Error(err)
		}
	}()
	return func() {
		_ = holder.Rollback(ctx)
		<-ended
	}
}
