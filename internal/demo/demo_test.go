package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small returns options of a short demo that accepts any wait, because the machine may be busy.
func small(major int) Options {
	return Options{Rows: 3000, Users: 500, Major: major, MaxWait: time.Hour}
}

// play runs a demo and does the given harm at the stage of its name.
func play(t *testing.T, options Options, harms map[string]func(*pgx.Conn) error, watch ...func(Event)) (Result, []Event, error) {
	t.Helper()
	var seen []Event
	d := New(options, func(e Event) {
		seen = append(seen, e)
		for _, notify := range watch {
			notify(e)
		}
	})
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	d.interfere = func(ctx context.Context, stage string) {
		if harm := harms[stage]; harm != nil {
			if err := as(ctx, d.URL(), harm); err != nil {
				t.Errorf("%s: %v", stage, err)
			}
		}
	}
	result, err := d.Run(t.Context())
	return result, seen, err
}

func as(ctx context.Context, url string, harm func(*pgx.Conn) error) error {
	session, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer session.Close(ctx)
	return harm(session)
}

func do(statements ...string) func(*pgx.Conn) error {
	return func(session *pgx.Conn) error {
		for _, statement := range statements {
			tag, err := session.Exec(context.Background(), statement)
			if err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
			if changes := tag.Delete() || tag.Update(); changes && tag.RowsAffected() == 0 {
				return fmt.Errorf("%s: did no harm", statement)
			}
		}
		return nil
	}
}

// The demo is OK on the oldest and the newest version; the tests of damage run it on PostgreSQL 15.
func TestDemoIsOK(t *testing.T) {
	for _, major := range servertest.Ends(t) {
		t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
			t.Parallel()
			r, seen, err := play(t, small(major), nil)
			if err != nil || !r.OK || r.Problem() != nil {
				t.Fatalf("%v %q", err, r.Reasons)
			}
			if !strings.HasPrefix(r.Server, fmt.Sprint(major)+".") {
				t.Errorf("want version %d, runs on %s", major, r.Server)
			}
			if after := r.Checks[1].Written; after.OwnKeys == 0 || after.Kept != after.OwnKeys {
				t.Errorf("of %d chosen uuids %d were kept", after.OwnKeys, after.Kept)
			}
			if r.Rows < 3000 || r.Up.Rows < r.Rows || r.Traffic.Since.Statements == 0 || r.Traffic.Before.Statements == 0 {
				t.Errorf("rows %d, filled %d, statements %+v", r.Rows, r.Up.Rows, r.Traffic)
			}
			var names []string
			for _, e := range seen {
				names = append(names, e.name())
			}
			for _, name := range []string{"server", "built", "traffic_started", "traffic", "carried", "verified", "checked"} {
				if !slices.Contains(names, name) {
					t.Errorf("no event %q", name)
				}
			}
		})
	}
}

func TestReportsLostRow(t *testing.T) {
	t.Parallel()
	r, _, err := play(t, small(15), map[string]func(*pgx.Conn) error{
		"after up": do("DELETE FROM phoenix_kit_email_events WHERE id = 1"),
	})
	want(t, r, err, "phoenix_kit_email_events", "2,968 of the rows that the application does not write exist after up; before, there were 2,969")
}

func TestReportsLongWait(t *testing.T) {
	t.Parallel()
	options := small(15)
	options.MaxWait = 300 * time.Millisecond
	r, _, err := play(t, options, map[string]func(*pgx.Conn) error{
		"after up": do("BEGIN", "LOCK TABLE phoenix_kit_users IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(2)", "COMMIT"),
	})
	want(t, r, err, "a statement took", "more than 300 ms")
	if r.Traffic.Longest < time.Second {
		t.Errorf("the lock was held for 2 s, and the longest wait was %s", r.Traffic.Longest)
	}
}

// Each harm breaks one promise, on its own table.
func TestReportsEveryDamage(t *testing.T) {
	t.Parallel()
	failed := make(chan struct{})
	var once sync.Once
	r, _, err := play(t, small(15), map[string]func(*pgx.Conn) error{
		"up": func(session *pgx.Conn) error {
			if err := do("ALTER TABLE phoenix_kit_audit_logs RENAME user_agent TO agent")(session); err != nil {
				return err
			}
			select { // wait until a statement of the application has failed
			case <-failed:
			case <-time.After(timeout):
			}
			return do("ALTER TABLE phoenix_kit_audit_logs RENAME agent TO user_agent")(session)
		},
		"after up": do(
			"UPDATE phoenix_kit_settings SET value = 'other' WHERE id = 1",
			"DELETE FROM phoenix_kit_email_events WHERE id % 97 = 0",
			"UPDATE phoenix_kit_orders SET uuid = uuid_generate_v7()",
			"CREATE INDEX stray ON phoenix_kit_users (last_name)",
		),
	}, func(e Event) {
		if figures, ok := e.(Ticked); ok && figures.Failed > 0 {
			once.Do(func() { close(failed) })
		}
	})
	want(
		t, r, err, "the application's statements failed",
		"phoenix_kit_settings: old columns of rows that the application does not write changed after up",
		"of the application's rows are lost or changed after up: phoenix_kit_email_events",
		"do not have the uuid in the application's record",
		"the catalogue after up has 1 differences from PhoenixKit's",
		"stray",
	)
}

// want checks that a demo finished and is not OK for reasons that contain these texts.
func want(t *testing.T, r Result, err error, texts ...string) {
	t.Helper()
	if err != nil || r.OK || !errors.Is(r.Problem(), problem.ErrFailed) {
		t.Fatalf("ok is %v, the problem %v, the error %v", r.OK, r.Problem(), err)
	}
	all := strings.Join(r.Reasons, "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("no %q in:\n%s", text, all)
		}
	}
}

func TestInterruptedDemoStopsServer(t *testing.T) {
	for _, stage := range []string{"up", "after up"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			d := New(small(15), nil)
			d.interfere = func(_ context.Context, name string) {
				if name == stage {
					time.AfterFunc(100*time.Millisecond, cancel)
				}
			}
			r, err := d.Run(ctx)
			url := d.URL()
			if !errors.Is(err, problem.ErrInterrupted) || r.OK || len(r.Reasons) > 0 {
				t.Errorf("it ended with %v, ok %v, reasons %q", err, r.OK, r.Reasons)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if session, err := pgx.Connect(t.Context(), url); err == nil {
				_ = session.Close(t.Context())
				t.Error("the server still runs")
			}
		})
	}
}
