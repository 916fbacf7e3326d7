//go:build unix

package chaos

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// CREATE INDEX CONCURRENTLY waits for sessions that have written to the table. If such a session then requests a lock
// that the build blocks, it would be the victim of a deadlock. The run cancels the build instead.
func TestBuildIsCancelledBeforeDeadlock(t *testing.T) {
	t.Parallel()
	each(t, 2, func(t *testing.T, major int) {
		h := startServer(t, major, nil)
		h.runUndisturbed()
		database := h.copy("crossed")
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, h.cluster.URL(database))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		// The run checks five times a second whether a session waits for the build. On a busy machine the server's own
		// deadlock check may come first, so this session postpones it.
		if _, err := conn.Exec(ctx, "SET deadlock_timeout = '1min'"); err != nil {
			t.Fatal(err)
		}
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		building := make(chan struct{})
		var once sync.Once
		p, err := begin(request{URL: h.cluster.URL(database), Pace: "full"}, func(e eventLine) {
			switch {
			// Long before the build, and without blocking: the filling does not see the row.
			case e.Event == "step_done" && strings.HasSuffix(e.Step, "found/add-column"):
				if _, err := tx.Exec(ctx, sqltext.Format("INSERT INTO {} (id, note) VALUES (-1, '')", qualified("found"))); err != nil {
					t.Error(err)
				}
			case e.Event == "executing" && strings.HasPrefix(e.SQL, "CREATE UNIQUE INDEX") && strings.HasSuffix(e.Step, "found/build-index"):
				once.Do(func() { close(building) })
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer p.kill()
		select {
		case <-building:
		case <-p.done:
			t.Fatalf("rekey ended before it built the index: %v", p.result)
		}
		// After deadlock_timeout the build has checked for a deadlock and found none. From now on the application's
		// session would find it and be cancelled.
		h.waitUntil(database, "the build waits", `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE UNIQUE%'
			AND wait_event_type = 'Lock' AND clock_timestamp() > query_start + interval '2 seconds')`)
		if _, err := tx.Exec(ctx, sqltext.Format("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", qualified("found"))); err != nil {
			t.Errorf("the application's session: %v", detailed(err))
		}
		if err := tx.Commit(ctx); err != nil {
			t.Error(err)
		}
		if !p.waitEnd(timeout) || p.result == nil || !p.result.OK {
			t.Errorf("rekey ended with %v", p.result)
		}
	})
}
