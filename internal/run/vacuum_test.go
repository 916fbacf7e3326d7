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

// TestVacuumGivesWay: what stands for a VACUUM here takes long, and ends when somebody waits for the table,
// when the run is to stand still, and when it is to end.
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
			{"the pace holds", func(e *Executor) func() { e.Pace.Pause("query", "it is busy"); return func() {} }},
			{"the run is to end", func(*Executor) func() { close(stop); return func() {} }},
		} {
			e := &Executor{Pool: pool, Direct: pool, Pace: pace.New("", 0), Stop: stop}
			end := cause.act(e)
			err := e.vacuum(step.Target{Schema: "public", Table: "t"})(t.Context(), long)
			end()
			var said *pgconn.PgError
			if !errors.As(err, &said) || said.Code != pgerrcode.QueryCanceled {
				t.Errorf("%s: it ended with %v", cause.name, err)
			}
		}
	})
}

// wait makes one session wait for another's lock on the table.
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
