package phoenixkit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// deadline bounds every wait of a test.
const deadline = 5 * time.Minute

// waitFor waits until a superuser's query returns true.
func (h *database) waitFor(sql string) {
	h.t.Helper()
	for end := time.Now().Add(deadline); !queryOne[bool](h, sql); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("condition did not become true: %s", sql)
		}
	}
}

// migrator returns a Migrator of PhoenixKit's tables in schema public.
func migrator(t testing.TB, pool *pgxpool.Pool) *rekey.Migrator {
	t.Helper()
	m, err := phoenixkit.New(pool, phoenixkit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// send sends a request to the run and waits until the run has read it.
func (h *database) send(request func(*rekey.Migrator, context.Context) error) {
	h.t.Helper()
	if err := request(migrator(h.t, h.fresh(owner)), h.t.Context()); err != nil {
		h.t.Error(err)
		return
	}
	h.waitFor("SELECT NOT EXISTS (SELECT FROM rekey.orders)")
}

// pause pauses the run and waits until the run reports it.
func (h *database) pause() {
	h.t.Helper()
	h.send((*rekey.Migrator).Pause)
	h.waitFor("SELECT EXISTS (SELECT FROM rekey.standstills WHERE reason LIKE '%paused%')")
}

// running is a run in a goroutine of its own.
type running struct {
	result event.Result
	err    error
	done   chan struct{}
}

// start starts a run that calls at before the first change of its second table, and waits for it.
func (h *database) start(at func(), options ...func(*phoenixkit.Options)) *running {
	r := &running{done: make(chan struct{})}
	tables := 0
	options = append(options, func(o *phoenixkit.Options) {
		previous := o.OnEvent
		o.OnEvent = func(e event.Event) {
			if previous != nil {
				previous(e)
			}
			if _, ok := e.(event.TableStarted); ok {
				if tables++; tables == 2 {
					at()
				}
			}
		}
	})
	pool, o := h.fresh(owner), phoenixkit.Options{Version: 40}
	for _, option := range options {
		option(&o)
	}
	go func() {
		defer close(r.done)
		r.result, r.err = phoenixkit.Up(h.t.Context(), pool, o)
	}()
	return r
}

func (h *database) waitEnd(r *running) {
	h.t.Helper()
	select {
	case <-r.done:
	case <-time.After(deadline):
		h.t.Fatal("the run did not end")
	}
}

// checkUnchanged checks that nothing changes except the lease's heartbeat.
func (h *database) checkUnchanged() {
	h.t.Helper()
	before := h.fingerprint("public")
	time.Sleep(1500 * time.Millisecond)
	if diff := cmp.Diff(before, h.fingerprint("public")); diff != "" {
		h.t.Errorf("the database changed (-before +after)\n%s", diff)
	}
}

func throttled(seen *[]string) func(*phoenixkit.Options) {
	return func(o *phoenixkit.Options) {
		o.OnEvent = func(e event.Event) {
			if t, ok := e.(event.Throttled); ok {
				*seen = append(*seen, t.Reason)
			}
		}
	}
}

// withoutSignals turns off all signals: on a busy server, a slow reading would pause the run as well.
func withoutSignals(o *phoenixkit.Options) {
	o.Throttle.Without = []string{"lag", "wal", "snapshots", "wraparound"}
}

// TestPauseAndResume pauses a run, checks that it does nothing and reports the reason, tunes it and resumes it.
func TestPauseAndResume(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		var seen []string
		paused := make(chan struct{})
		r := h.start(func() { h.pause(); close(paused) }, withoutSignals, throttled(&seen))
		select {
		case <-paused:
		case <-r.done:
			t.Fatalf("the run ended before its second table: %v", r.err)
		}
		h.checkUnchanged()
		status, err := phoenixkit.Status(t.Context(), h.fresh(owner), phoenixkit.Options{})
		if err != nil || status.Running == nil || status.Running.Command != "up" || status.Running.PID != os.Getpid() {
			t.Errorf("status: %+v %v", status.Running, err)
		}
		if at := status.Running; at != nil && (!strings.Contains(at.PausedBy, "paused") || at.PausedSince == nil || at.PausedSince.Before(at.Since)) {
			t.Errorf("paused by %q since %v", at.PausedBy, at.PausedSince)
		}
		h.send(func(m *rekey.Migrator, ctx context.Context) error {
			return m.Tune(ctx, rekey.Tuning{Pace: rekey.PaceFull, BatchTime: 20 * time.Millisecond, MaxLag: time.Minute})
		})
		h.send((*rekey.Migrator).Resume)
		h.waitEnd(r)
		if r.err != nil {
			t.Fatal(r.err)
		}
		if len(seen) != 2 || !strings.Contains(seen[0], "paused") || !strings.Contains(seen[0], "rekey resume") || seen[1] != "" {
			t.Errorf("reasons: %q", seen)
		}
		status, err = phoenixkit.Status(t.Context(), h.fresh(owner), phoenixkit.Options{})
		if err != nil || status.Running != nil {
			t.Errorf("status after the run: %+v %v", status.Running, err)
		}
	})
}

// TestPauseBetweenAttempts pauses a run between two attempts to get a lock. It does not take the lock when it becomes
// free.
func TestPauseBetweenAttempts(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	report := h.session(superuser)
	h.run(report, "BEGIN; LOCK TABLE phoenix_kit_users IN ACCESS SHARE MODE")
	paused := make(chan struct{})
	var seen []string
	reasons := throttled(&seen)
	r := h.start(func() {}, withoutSignals, reasons, func(o *phoenixkit.Options) {
		throttled, asked := o.OnEvent, false
		o.OnEvent = func(e event.Event) {
			throttled(e)
			if _, ok := e.(event.LockRefused); ok && !asked {
				asked = true
				h.pause()
				close(paused)
			}
		}
	})
	select {
	case <-paused:
	case <-r.done:
		t.Fatalf("the run ended without a lock: %v", r.err)
	}
	h.run(report, "COMMIT")
	h.checkUnchanged()
	h.send((*rekey.Migrator).Resume)
	h.waitEnd(r)
	if r.err != nil || len(seen) != 2 {
		t.Errorf("reasons: %q; error: %v", seen, r.err)
	}
}

// TestStopFromAnotherSession stops a run, also a paused one, and the same call continues.
func TestStopFromAnotherSession(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, paused := range []bool{false, true} {
			h := build(t, c, small)
			r := h.start(func() {
				if paused {
					h.pause()
				}
				h.send((*rekey.Migrator).Stop)
			})
			h.waitEnd(r)
			if !errors.Is(r.err, problem.ErrStopped) || r.result.Exit != 7 {
				t.Errorf("paused %v: error %v, exit %d", paused, r.err, r.result.Exit)
			}
			if result, err := h.up(owner); err != nil || result.NothingToDo {
				t.Errorf("second up: %+v %v", result, err)
			}
		}
	})
}

func TestRequestsWithoutARun(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	m := migrator(t, h.pool(owner))
	if err := m.Pause(t.Context()); !errors.Is(err, problem.ErrFailed) || !strings.Contains(err.Error(), "no run is active") {
		t.Errorf("no run: %v", err)
	}
	for _, tuning := range []rekey.Tuning{{}, {Pace: "fast"}, {BatchTime: -1}, {MaxLag: -1}} {
		if err := m.Tune(t.Context(), tuning); !errors.Is(err, problem.ErrUsage) {
			t.Errorf("%+v: %v", tuning, err)
		}
	}
}

// TestSignalsPauseTheRun: a file and a query pause a run before it changes anything.
func TestSignalsPauseTheRun(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	file := filepath.Join(t.TempDir(), "hold")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.setUp("CREATE TABLE say (message text); INSERT INTO say VALUES ('the report runs'); GRANT SELECT ON say TO {owner}")
	var seen []string
	r := h.start(func() {}, throttled(&seen), func(o *phoenixkit.Options) {
		o.Throttle.File, o.Throttle.Query = file, "SELECT message FROM public.say"
	})
	h.waitFor("SELECT to_regclass('rekey.leases') IS NOT NULL")
	h.waitFor("SELECT EXISTS (SELECT FROM rekey.leases)")
	before := h.shape("public")
	h.checkUnchanged()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	h.waitFor("SELECT EXISTS (SELECT FROM rekey.standstills WHERE reason LIKE '%the report runs%')")
	h.checkUnchanged()
	if diff := cmp.Diff(before, h.shape("public")); diff != "" {
		t.Errorf("the paused run changed the schema (-before +after)\n%s", diff)
	}
	h.setUp("TRUNCATE say")
	h.waitEnd(r)
	if r.err != nil {
		t.Fatal(r.err)
	}
	if !slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, file+" exists") }) ||
		!slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, "the report runs") }) || seen[len(seen)-1] != "" {
		t.Errorf("reasons: %q", seen)
	}
}

// TestInvalidSignals: invalid signals are refused before any change, and listed in the plan.
func TestInvalidSignals(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	before := h.fingerprint("public")
	for name, option := range map[string]func(*phoenixkit.Options){
		"throttle_query": func(o *phoenixkit.Options) { o.Throttle.Query = "SELECT nothing" },
		"signal_hidden":  func(o *phoenixkit.Options) { o.Throttle.MaxSnapshotAge = time.Hour },
		"unknown_signal": func(o *phoenixkit.Options) { o.Throttle.Without = []string{"lga"} },
	} {
		_, err := h.up(owner, option)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != name || p.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := phoenixkit.Options{Version: 40, Options: rekey.Options{Throttle: rekey.ThrottleOptions{Query: "SELECT nothing"}}}
	if doc, err := phoenixkit.Plan(t.Context(), h.pool(owner), o); err != nil || len(doc.Refusals) != 1 || doc.Refusals[0].Code != "throttle_query" {
		t.Errorf("plan: %v %v", doc.Refusals, err)
	}
	if diff := cmp.Diff(before, h.fingerprint("public")); diff != "" {
		t.Errorf("a refused run changed the database (-before +after)\n%s", diff)
	}
}
