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

// small is a demo that ends soon, on a machine that may be busy: no wait is too long for it.
func small(major int) Options {
	return Options{Rows: 3000, Users: 500, Major: major, MaxWait: time.Hour}
}

// play runs a demo and does harm at the moment of its name.
func play(t *testing.T, options Options, harms map[string]func(*pgx.Conn) error, watch ...func(Event)) (Result, []Event, error) {
	t.Helper()
	var seen []Event
	d := New(options, func(e Event) {
		seen = append(seen, e)
		for _, look := range watch {
			look(e)
		}
	})
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	d.meddle = func(ctx context.Context, moment string) {
		if harm := harms[moment]; harm != nil {
			if err := behind(ctx, d.URL(), harm); err != nil {
				t.Errorf("%s: %v", moment, err)
			}
		}
	}
	result, err := d.Run(t.Context())
	return result, seen, err
}

func behind(ctx context.Context, url string, harm func(*pgx.Conn) error) error {
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

func TestDemoIsOK(t *testing.T) {
	for _, major := range servertest.Versions(t) {
		t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
			t.Parallel()
			r, seen, err := play(t, small(major), nil)
			if err != nil || !r.OK || r.Problem() != nil {
				t.Fatalf("%v %q", err, r.Reasons)
			}
			if !strings.HasPrefix(r.Server, fmt.Sprint(major)+".") {
				t.Errorf("asked for %d, runs on %s", major, r.Server)
			}
			if after := r.Checks[1].Written; after.OwnKeys == 0 || after.Kept != after.OwnKeys {
				t.Errorf("of %d uuids of their own %d were kept", after.OwnKeys, after.Kept)
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

func TestLostRowIsFound(t *testing.T) {
	t.Parallel()
	r, _, err := play(t, small(15), map[string]func(*pgx.Conn) error{
		"after up": do("DELETE FROM phoenix_kit_email_events WHERE id = 1"),
	})
	want(t, r, err, "phoenix_kit_email_events", "2,968 of the rows that nobody wrote are there after up, and were 2,969 before")
}

func TestHeldLockIsFelt(t *testing.T) {
	t.Parallel()
	options := small(15)
	options.MaxWait = 300 * time.Millisecond
	r, _, err := play(t, options, map[string]func(*pgx.Conn) error{
		"after up": do("BEGIN", "LOCK TABLE phoenix_kit_users IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(2)", "COMMIT"),
	})
	want(t, r, err, "a statement waited", "and the bound is 300 ms")
	if r.Traffic.Longest < time.Second {
		t.Errorf("the lock was held for 2 s, and the longest wait was %s", r.Traffic.Longest)
	}
}

// Each of these is one way to break the promise, on a table of its own.
func TestEveryHarmIsNamed(t *testing.T) {
	t.Parallel()
	failed := make(chan struct{})
	var once sync.Once
	r, _, err := play(t, small(15), map[string]func(*pgx.Conn) error{
		"up": func(session *pgx.Conn) error {
			if err := do("ALTER TABLE phoenix_kit_audit_logs RENAME user_agent TO agent")(session); err != nil {
				return err
			}
			select { // the application has met it
			case <-failed:
			case <-time.After(patience):
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
		"phoenix_kit_settings: the old columns of rows that nobody wrote have changed after up",
		"of the application's rows are lost or changed after up: phoenix_kit_email_events",
		"do not have the uuid that the application knows of them",
		"the catalogue differs from PhoenixKit's after up in 1 points",
		"stray",
	)
}

// want wants a demo that came to its end and is not OK for reasons in which these texts stand.
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

func TestInterruptedDemoLeavesNothing(t *testing.T) {
	for _, moment := range []string{"up", "after up"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			d := New(small(15), nil)
			d.meddle = func(_ context.Context, name string) {
				if name == moment {
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
				t.Error("the server is still there")
			}
		})
	}
}
