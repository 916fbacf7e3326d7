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

// CREATE INDEX CONCURRENTLY waits for the sessions that have written to the table. One that then wants a
// lock which the build keeps away would be the victim of a deadlock: the build gives way instead.
func TestBuildGivesWay(t *testing.T) {
	t.Parallel()
	each(t, 2, func(t *testing.T, major int) {
		h := settle(t, major, nil)
		h.calm()
		database := h.copy("crossed")
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, h.cluster.URL(database))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		// The run looks five times a second whether somebody waits for the build that it waits for: on a busy machine
		// the server's own look, a second after that, may come before. It is this session's to put off.
		if _, err := conn.Exec(ctx, "SET deadlock_timeout = '1min'"); err != nil {
			t.Fatal(err)
		}
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		building := make(chan struct{})
		var once sync.Once
		p, err := begin(order{URL: h.cluster.URL(database), Pace: "full"}, func(e happened) {
			switch {
			// Long before the build, and in nobody's way: the filling does not see the row.
			case e.Event == "step_done" && strings.HasSuffix(e.Step, "found/add-column"):
				if _, err := tx.Exec(ctx, sqltext.Format("INSERT INTO {} (id, note) VALUES (-1, '')", named("found"))); err != nil {
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
		// After deadlock_timeout the build has looked for a deadlock and found none: from now on it is the
		// application's session that would find it, and be ended.
		h.until(database, "the build waits", `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE UNIQUE%'
			AND wait_event_type = 'Lock' AND clock_timestamp() > query_start + interval '2 seconds')`)
		if _, err := tx.Exec(ctx, sqltext.Format("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", named("found"))); err != nil {
			t.Errorf("the application's session: %v", detailed(err))
		}
		if err := tx.Commit(ctx); err != nil {
			t.Error(err)
		}
		if !p.ended(hangs) || p.result == nil || !p.result.OK {
			t.Errorf("rekey ended with %v", p.result)
		}
	})
}
