package phoenixkit_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// patience bounds what must happen, so that a failing test ends.
const patience = 5 * time.Minute

// waitFor waits for what a superuser's query is to say.
func (h *house) waitFor(sql string) {
	h.t.Helper()
	for end := time.Now().Add(patience); !one[bool](h, sql); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("never true: %s", sql)
		}
	}
}

// order gives an order and waits until the run has taken it, and to pause until it says that it stands.
func (h *house) order(order rekey.Order) {
	h.t.Helper()
	if err := phoenixkit.Request(h.t.Context(), h.fresh(owner), phoenixkit.Options{}, order); err != nil {
		h.t.Errorf("%s: %v", order.Verb, err)
		return
	}
	h.waitFor("SELECT NOT EXISTS (SELECT FROM rekey.orders)")
	if order.Verb == rekey.Pause {
		h.waitFor("SELECT EXISTS (SELECT FROM rekey.standstills WHERE reason LIKE '%paused%')")
	}
}

// running is a run on its own.
type running struct {
	result rekey.Result
	err    error
	done   chan struct{}
}

// start begins a run that calls at before its second table's first change, while it waits.
func (h *house) start(at func(), options ...func(*phoenixkit.Options)) *running {
	r := &running{done: make(chan struct{})}
	tables := 0
	options = append(options, func(o *phoenixkit.Options) {
		listening := o.OnEvent
		o.OnEvent = func(e rekey.Event) {
			if listening != nil {
				listening(e)
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

func (h *house) ended(r *running) {
	h.t.Helper()
	select {
	case <-r.done:
	case <-time.After(patience):
		h.t.Fatal("the run does not end")
	}
}

// stands proves that nothing changes but the lease's heartbeat.
func (h *house) stands() {
	h.t.Helper()
	before := h.everything("public")
	time.Sleep(1500 * time.Millisecond)
	if diff := cmp.Diff(before, h.everything("public")); diff != "" {
		h.t.Errorf("it goes on (-before +after)\n%s", diff)
	}
}

func throttled(seen *[]string) func(*phoenixkit.Options) {
	return func(o *phoenixkit.Options) {
		o.OnEvent = func(e rekey.Event) {
			if t, ok := e.(event.Throttled); ok {
				*seen = append(*seen, t.Reason)
			}
		}
	}
}

// unasked takes no reading: one that a busy server is too slow for is told as a reason to stand still.
func unasked(o *phoenixkit.Options) {
	o.WithoutSignals = []string{"lag", "wal", "snapshots", "wraparound"}
}

// TestPauseAndResume pauses a run, sees that it stands and says why, tunes it and lets it go on.
func TestPauseAndResume(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		var seen []string
		paused := make(chan struct{})
		r := h.start(func() { h.order(rekey.Order{Verb: rekey.Pause}); close(paused) }, unasked, throttled(&seen))
		select {
		case <-paused:
		case <-r.done:
			t.Fatalf("it ended before its second table: %v", r.err)
		}
		h.stands()
		status, err := phoenixkit.Status(t.Context(), h.fresh(owner), phoenixkit.Options{})
		if err != nil || status.Running == nil || status.Running.Command != "up" || status.Running.PID != os.Getpid() {
			t.Errorf("status: %+v %v", status.Running, err)
		}
		if at := status.Running; at != nil && (!strings.Contains(at.Held, "paused") || at.HeldSince == nil || at.HeldSince.Before(at.Since)) {
			t.Errorf("why it stands still: %q since %v", at.Held, at.HeldSince)
		}
		h.order(rekey.Order{Verb: rekey.Tune, Pace: "full", BatchTime: 20 * time.Millisecond, MaxLag: time.Minute})
		h.order(rekey.Order{Verb: rekey.Resume})
		h.ended(r)
		if r.err != nil {
			t.Fatal(r.err)
		}
		if len(seen) != 2 || !strings.Contains(seen[0], "paused") || !strings.Contains(seen[0], "rekey resume") || seen[1] != "" {
			t.Errorf("the reasons are %q", seen)
		}
		status, err = phoenixkit.Status(t.Context(), h.fresh(owner), phoenixkit.Options{})
		if err != nil || status.Running != nil {
			t.Errorf("status afterwards: %+v %v", status.Running, err)
		}
	})
}

// TestPauseBetweenTries pauses a run that tries for a lock: it does not take it when it is to be had.
func TestPauseBetweenTries(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	report := h.session(superuser)
	h.run(report, "BEGIN; LOCK TABLE phoenix_kit_users IN ACCESS SHARE MODE")
	paused := make(chan struct{})
	var seen []string
	tell := throttled(&seen)
	r := h.start(func() {}, unasked, tell, func(o *phoenixkit.Options) {
		throttled, told := o.OnEvent, false
		o.OnEvent = func(e rekey.Event) {
			throttled(e)
			if _, ok := e.(event.LockRefused); ok && !told {
				told = true
				h.order(rekey.Order{Verb: rekey.Pause})
				close(paused)
			}
		}
	})
	select {
	case <-paused:
	case <-r.done:
		t.Fatalf("it ended without a lock: %v", r.err)
	}
	h.run(report, "COMMIT")
	h.stands()
	h.order(rekey.Order{Verb: rekey.Resume})
	h.ended(r)
	if r.err != nil || len(seen) != 2 {
		t.Errorf("the reasons are %q; it ended with %v", seen, r.err)
	}
}

// TestStopFromElsewhere stops a run, a paused one too, and the same call goes on.
func TestStopFromElsewhere(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, first := range [][]rekey.Verb{{rekey.Stop}, {rekey.Pause, rekey.Stop}} {
			h := build(t, c, small)
			r := h.start(func() {
				for _, verb := range first {
					h.order(rekey.Order{Verb: verb})
				}
			})
			h.ended(r)
			if !errors.Is(r.err, rekey.ErrStopped) || r.result.Exit != 7 {
				t.Errorf("%v ended with %v, %d", first, r.err, r.result.Exit)
			}
			if result, err := h.up(owner); err != nil || result.NothingToDo {
				t.Errorf("it does not go on: %+v %v", result, err)
			}
		}
	})
}

func TestOrdersThatNobodyHears(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	request := func(order rekey.Order) error {
		return phoenixkit.Request(t.Context(), h.pool(owner), phoenixkit.Options{}, order)
	}
	if err := request(rekey.Order{Verb: rekey.Pause}); !errors.Is(err, rekey.ErrFailed) || !strings.Contains(err.Error(), "no run is active") {
		t.Errorf("nobody there: %v", err)
	}
	for _, order := range []rekey.Order{{Verb: rekey.Tune}, {Verb: rekey.Tune, Pace: "fast"}, {Verb: "faster"}, {Verb: rekey.Stop, Pace: "full"}} {
		if err := request(order); !errors.Is(err, rekey.ErrUsage) {
			t.Errorf("%+v: %v", order, err)
		}
	}
}

// TestSignalsHoldTheRun lets a file and a query hold a run before it changes anything.
func TestSignalsHoldTheRun(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	file := filepath.Join(t.TempDir(), "hold")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.set("CREATE TABLE say (words text); INSERT INTO say VALUES ('the report runs'); GRANT SELECT ON say TO {owner}")
	var seen []string
	r := h.start(func() {}, throttled(&seen), func(o *phoenixkit.Options) {
		o.ThrottleFile, o.ThrottleQuery = file, "SELECT words FROM public.say"
	})
	h.waitFor("SELECT to_regclass('rekey.leases') IS NOT NULL")
	h.waitFor("SELECT EXISTS (SELECT FROM rekey.leases)")
	before := h.shape("public")
	h.stands()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	h.waitFor("SELECT EXISTS (SELECT FROM rekey.standstills WHERE reason LIKE '%the report runs%')")
	h.stands()
	if diff := cmp.Diff(before, h.shape("public")); diff != "" {
		t.Errorf("changed while it was to stand (-before +after)\n%s", diff)
	}
	h.set("TRUNCATE say")
	h.ended(r)
	if r.err != nil {
		t.Fatal(r.err)
	}
	if !slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, file+" exists") }) ||
		!slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, "the report runs") }) || seen[len(seen)-1] != "" {
		t.Errorf("the reasons are %q", seen)
	}
}

// TestBadSignals: refused before anything was changed, and in the plan.
func TestBadSignals(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	h := build(t, c, small)
	before := h.everything("public")
	for name, option := range map[string]func(*phoenixkit.Options){
		"throttle_query": func(o *phoenixkit.Options) { o.ThrottleQuery = "SELECT nothing" },
		"signal_hidden":  func(o *phoenixkit.Options) { o.MaxSnapshotAge = time.Hour },
		"unknown_signal": func(o *phoenixkit.Options) { o.WithoutSignals = []string{"lga"} },
	} {
		_, err := h.up(owner, option)
		var p *rekey.Problem
		if !errors.As(err, &p) || p.Code != name || p.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := phoenixkit.Options{Version: 40, ThrottleQuery: "SELECT nothing"}
	if doc, err := phoenixkit.Plan(t.Context(), h.pool(owner), o); err != nil || len(doc.Refusals) != 1 || doc.Refusals[0].Code != "throttle_query" {
		t.Errorf("the plan: %v %v", doc.Refusals, err)
	}
	if diff := cmp.Diff(before, h.everything("public")); diff != "" {
		t.Errorf("refused, and changed (-before +after)\n%s", diff)
	}
}
