package journal

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// save records events of a run, which follow the first n.
func save(t *testing.T, pool *pgxpool.Pool, run, n int64, events ...event.Event) {
	t.Helper()
	e := Events{Run: run}
	for i, one := range events {
		at := time.Now()
		lines, err := EventLines([]history.Entry{{At: at, Event: one}})
		must(t, err)
		e.Add = append(e.Add, EventRow{Seq: n + int64(i) + 1, At: at, Lines: lines})
	}
	must(t, SaveEvents(t.Context(), pool, e))
}

// TestFollower follows a run that is killed, and the next one from before its beginning to its end.
func TestFollower(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		pool := newJournal(t, c)
		f := &Follower{Pool: pool, Schema: "app"}
		read := func() Followed {
			t.Helper()
			found, err := f.Read(t.Context())
			must(t, err)
			return found
		}
		if found := read(); found.Run != nil || found.Lease != nil || found.Changed {
			t.Errorf("before the first run: %+v", found)
		}
		begin := func() (*Lease, int64) {
			lease, err := Acquire(t.Context(), pool, "app", Here("1", "up"))
			must(t, err)
			if found := read(); found.Lease == nil || found.Run != nil || found.State.Run != 0 || len(found.State.Finished) > 0 {
				t.Errorf("before the run begins: %+v", found)
			}
			run, err := Begin(t.Context(), pool, Run{Holder: Here("1", "up"), Schema: "app"})
			must(t, err)
			if found := read(); found.Run == nil || found.Run.ID != run || found.State.Run != run || found.State.Percent() == 50 || !found.Changed {
				t.Errorf("before its first event: %+v", found)
			}
			return lease, run
		}
		lease, run := begin()
		save(t, pool, run, 0, event.RunStarted{Run: run, Command: "up", Tables: 2, Rows: 2}, event.TableDone{Table: "app.t", Rows: 1})
		if found := read(); len(found.State.Finished) != 1 || found.State.Seq != 2 || !found.Changed {
			t.Errorf("after two events: %+v", found)
		}
		_, err := pool.Exec(t.Context(), "DELETE FROM rekey.events") // an event is read once
		must(t, err)
		if found := read(); len(found.State.Finished) != 1 || found.Changed {
			t.Errorf("without a new event: %+v", found)
		}
		save(t, pool, run, 2, event.TableDone{Table: "app.u", Rows: 1})
		if found := read(); len(found.State.Finished) != 2 || !found.Changed {
			t.Errorf("after the third event: %+v", found)
		}
		must(t, lease.Release(t.Context()))
		if found := read(); found.Lease != nil || found.State.Run != run || found.Changed {
			t.Errorf("after the process was killed: %+v", found)
		}

		lease, run = begin()
		save(t, pool, run, 0, event.RunStarted{Run: run, Command: "up", Tables: 1}, event.Result{OK: true, Command: "up"})
		must(t, End(t.Context(), pool, run, "done", "", 0))
		if found := read(); found.Lease == nil || found.State.Result == nil || len(found.State.Finished) != 0 {
			t.Errorf("before the lease is released: %+v", found)
		}
		must(t, lease.Release(t.Context()))
		if found := read(); found.Lease != nil || found.State.Result == nil {
			t.Errorf("after the end: %+v", found)
		}
	})
}
