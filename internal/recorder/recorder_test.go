package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/recorder"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { servertest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin creates a journal, and a run in it.
func begin(t *testing.T, c *server.Cluster) (*pgxpool.Pool, int64) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), servertest.Database(t, c).URL)
	must(t, err)
	t.Cleanup(pool.Close)
	must(t, journal.Ensure(t.Context(), pool))
	return pool, next(t, pool)
}

func next(t *testing.T, pool *pgxpool.Pool) int64 {
	t.Helper()
	run, err := journal.Begin(t.Context(), pool, journal.Run{Holder: journal.Here("1", "up"), Schema: "app"})
	must(t, err)
	return run
}

func load(t *testing.T, pool *pgxpool.Pool, run, after int64) []history.Entry {
	t.Helper()
	entries, err := journal.LoadEvents(t.Context(), pool, run, after)
	must(t, err)
	return entries
}

// A short run leaves its events, in one row apart from the frequent ones.
func TestShortRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, run := begin(t, c)
		r := recorder.New(t.Context(), pool, "app")
		events := []event.Event{
			event.Forecast{Cost: event.Cost{Rows: 7}},
			event.RunStarted{Run: run, Command: "up", Schema: "app", Tables: 1},
			event.TableStarted{Table: "app.ünï𝕏\u202ecode", Rows: 7},
			event.Notice{Text: "naïve\x1b[2J"},
			event.TableDone{Table: "app.ünï𝕏\u202ecode", Rows: 7},
		}
		for _, e := range events {
			r.Event(e)
		}
		result := event.Result{OK: true, Command: "up", Schema: "app", Rows: 7}
		if lost := r.Finish(t.Context(), result); lost != 0 {
			t.Errorf("%d events lost", lost)
		}
		r.Event(event.Notice{Text: "too late"})
		got := load(t, pool, run, 0)
		if len(got) != len(events)+1 {
			t.Fatalf("%d events, want %d", len(got), len(events)+1)
		}
		for i, e := range append(events, result) {
			if got[i].Seq != int64(i+1) || fmt.Sprint(got[i].Event) != fmt.Sprint(e) {
				t.Errorf("event %d: %+v, want %+v", got[i].Seq, got[i].Event, e)
			}
		}
		var rows int
		must(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM rekey.events").Scan(&rows))
		if rows != 1 {
			t.Errorf("%d rows for a short run", rows)
		}
		if later := load(t, pool, run, 4); len(later) != 2 || later[0].Seq != 5 {
			t.Errorf("after 4: %+v", later)
		}
	})
}

// A refused run, which has no number, leaves nothing, even without a journal.
func TestRefusedRunLeavesNothing(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, err := pgxpool.New(t.Context(), servertest.Database(t, c).URL)
		must(t, err)
		t.Cleanup(pool.Close)
		r := recorder.New(t.Context(), pool, "app")
		r.Event(event.TableAbsent{Table: "app.a"})
		if lost := r.Finish(t.Context(), event.Result{}); lost != 0 {
			t.Errorf("%d events lost", lost)
		}
		if used := pool.Stat().AcquireCount(); used != 0 {
			t.Errorf("%d connections used", used)
		}
	})
}

// The connections are cut again and again while a run reports. Every event is recorded, once.
func TestCutConnections(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, run := begin(t, c)
		admin, err := pgxpool.New(t.Context(), pool.Config().ConnString())
		must(t, err)
		t.Cleanup(admin.Close)
		r := recorder.New(t.Context(), pool, "app")
		r.Event(event.RunStarted{Run: run})
		const events = 300
		for i := range events {
			r.Event(event.Notice{Text: fmt.Sprint(i)})
			if i%20 == 0 {
				_, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")
				must(t, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if lost := r.Finish(t.Context(), event.Result{OK: true}); lost != 0 {
			t.Errorf("%d events lost", lost)
		}
		got := load(t, pool, run, 0)
		if len(got) != events+2 {
			t.Fatalf("%d events, want %d", len(got), events+2)
		}
		for i, entry := range got {
			if entry.Seq != int64(i+1) {
				t.Fatalf("event %d at position %d", entry.Seq, i+1)
			}
		}
	})
}

// A journal that cannot be written does not delay a run, and the number of lost events is reported.
func TestJournalThatCannotBeWritten(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, run := begin(t, c)
		_, err := pool.Exec(t.Context(), "DROP TABLE rekey.events")
		must(t, err)
		r := recorder.New(t.Context(), pool, "app")
		r.Event(event.RunStarted{Run: run})
		for range 20_000 {
			r.Event(event.Notice{Text: "a"})
		}
		if lost := r.Finish(t.Context(), event.Result{}); lost != 20_003 { // with the notice of it, and the result
			t.Errorf("%d events lost", lost)
		}
		if got := load(t, pool, run, 0); got != nil {
			t.Errorf("events without a table: %v", got)
		}
	})
}

// The events of the newest runs of a schema are kept, and all of other schemas.
func TestOldRunsAreForgotten(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, first := begin(t, c)
		other, err := journal.Begin(t.Context(), pool, journal.Run{Holder: journal.Here("1", "up"), Schema: "other"})
		must(t, err)
		record := func(schema string, run int64) {
			r := recorder.New(t.Context(), pool, schema)
			r.Event(event.RunStarted{Run: run})
			if lost := r.Finish(t.Context(), event.Result{}); lost != 0 {
				t.Fatalf("%d events lost", lost)
			}
		}
		record("other", other)
		record("app", first)
		second := next(t, pool)
		record("app", second)
		for range journal.KeptRuns - 1 {
			record("app", next(t, pool))
		}
		if len(load(t, pool, first, 0)) != 0 || len(load(t, pool, second, 0)) == 0 || len(load(t, pool, other, 0)) == 0 {
			t.Error("the wrong runs were forgotten")
		}
		runs, err := journal.Runs(t.Context(), pool, "app")
		if err != nil || len(runs) != journal.KeptRuns+1 || runs[0].ID < runs[1].ID {
			t.Errorf("%d runs, %v", len(runs), err)
		}
	})
}

// A role that may only read the journal reads the events. One that may not read it gets none. A table of a role that is not
// trusted is refused, whose triggers or rules could run.
func TestReadingAsAnotherRole(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, run := begin(t, c)
		r := recorder.New(t.Context(), pool, "app")
		r.Event(event.RunStarted{Run: run})
		r.Finish(t.Context(), event.Result{})
		exec := func(sql string) {
			t.Helper()
			_, err := pool.Exec(t.Context(), sql)
			must(t, err)
		}
		role := func(name string) string {
			name = fmt.Sprintf("%s_%d", name, time.Now().UnixNano())
			exec("CREATE ROLE " + name)
			t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "DROP OWNED BY "+name+"; DROP ROLE "+name) })
			return name
		}
		as := func(name string) ([]history.Entry, error) {
			config := pool.Config().Copy()
			config.ConnConfig.RuntimeParams["role"] = name
			reader, err := pgxpool.NewWithConfig(t.Context(), config)
			must(t, err)
			defer reader.Close()
			return journal.LoadEvents(t.Context(), reader, run, 0, "postgres")
		}
		reader, stranger := role("reader"), role("stranger")
		exec("GRANT USAGE ON SCHEMA rekey TO " + reader + "; GRANT SELECT ON ALL TABLES IN SCHEMA rekey TO " + reader)
		if got, err := as(reader); err != nil || len(got) != 2 {
			t.Errorf("as a role that may read: %v, %v", got, err)
		}
		if got, err := as(stranger); err != nil || got != nil {
			t.Errorf("as a role without rights: %v, %v", got, err)
		}
		exec("ALTER TABLE rekey.events OWNER TO " + stranger)
		if got, err := as(reader); got != nil || !errors.Is(err, problem.ErrRefused) {
			t.Errorf("of a stranger's table: %v, %v", got, err)
		}
	})
}
