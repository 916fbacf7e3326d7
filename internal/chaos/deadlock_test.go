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

// CREATE INDEX CONCURRENTLY waits for sessions that have written to the table. If such a session then waits for another one, and that one
// for the build, one of the two would be the victim of a deadlock. The run cancels the build instead.
func TestBuildIsCancelledBeforeDeadlock(t *testing.T) {
	t.Parallel()
	each(t, 2, func(t *testing.T, major int) {
		h := startServer(t, major, nil)
		h.runUndisturbed()
		database := h.copy("crossed")
		ctx := context.Background()
		tx, other := beginPatient(t, h.cluster.URL(database)), beginPatient(t, h.cluster.URL(database))
		if _, err := other.Exec(ctx, "SELECT pg_advisory_xact_lock(1)"); err != nil {
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
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := other.Exec(ctx, sqltext.Format("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE", qualified("found"))); err != nil {
				t.Errorf("the session that waits for the build: %v", detailed(err))
			}
			if err := other.Commit(ctx); err != nil {
				t.Error(err)
			}
		})
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(1)"); err != nil {
			t.Errorf("the session that has written: %v", detailed(err))
		}
		if err := tx.Commit(ctx); err != nil {
			t.Error(err)
		}
		both.Wait()
		if !p.waitEnd(timeout) || p.result == nil || !p.result.OK {
			t.Errorf("rekey ended with %v", p.result)
		}
	})
}

// beginPatient begins a transaction on a connection of its own. The run checks five times a second whether a session waits for the build:
// on a busy machine the server's own deadlock check may come first, so the transaction postpones it.
func beginPatient(t *testing.T, url string) pgx.Tx {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	tx, err := conn.Begin(context.Background())
	if err == nil {
		_, err = tx.Exec(context.Background(), "SET LOCAL deadlock_timeout = '1min'")
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}
