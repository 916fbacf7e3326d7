package demo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// good returns the result of a demo that is OK.
func good() Result {
	old := func() map[string]Digest { return map[string]Digest{"phoenix_kit_users": {Rows: 1980, Sum: "5"}} }
	waits := Waits{Statements: 200, Median: 1200 * time.Microsecond, P99: 6 * time.Millisecond, Longest: 44 * time.Millisecond}
	return Result{
		Server: "15.18", Tables: 33, Rows: 335_000, MaxWait: time.Second, Elapsed: 21 * time.Second,
		Up: event.Result{OK: true, Command: "up", Rows: 335_100}, Down: event.Result{OK: true, Command: "down", Tables: 33},
		Verify: Verified{OK: true, Tables: 33},
		Traffic: Figures{
			Statements: 400, Before: waits, Since: waits, Longest: 44 * time.Millisecond,
			Selected: 100, Inserted: 100, OwnKeys: 40, Updated: 100, Deleted: 20, LookedUp: 80,
		},
		Checks: []Checked{
			{Stage: "before", Old: old()},
			{Stage: "after up", Old: old(), Written: Account{Rows: 80, OwnKeys: 40, Kept: 40}},
			{Stage: "after down", Old: old(), Written: Account{Rows: 80}},
		},
		Journey: Journey{
			Edges: 8, Rows: 6400, Integers: 700, UUIDs: 500, Longest: 21 * time.Millisecond, Elapsed: 9 * time.Second, Same: 200,
			Phases: []PhaseRun{
				went("linked", 30, 4*time.Second), went("switched", 24, time.Second), went("linked", 24, time.Second), went("switched", 24, time.Second), went("contracted", 12, time.Second),
			},
		},
	}
}

func went(phase rekey.Phase, locks int, took time.Duration) PhaseRun {
	return PhaseRun{Phase: phase, Result: event.Result{OK: true, Elapsed: took, Locks: event.Locks{Count: locks, LongestHold: 3 * time.Millisecond}}}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*Result)
		err    error
		reason string // "" means OK
	}{
		{name: "good", spoil: func(*Result) {}},
		{name: "just in time", spoil: func(r *Result) { r.Traffic.Longest = time.Second }},
		{name: "too late", spoil: func(r *Result) { r.Traffic.Longest = time.Second + 1 }, reason: "a statement took 1.0 s, more than 1.0 s"},
		{name: "failed", spoil: func(r *Result) { r.Traffic.Failed = 1; r.Traffic.Errors = []string{"SELECT x: no"} }, reason: "1 of the application's statements failed: SELECT x: no"},
		{name: "wrong", spoil: func(r *Result) { r.Traffic.Wrong = 2 }, reason: "2 of the application's statements read a row other"},
		{name: "row less", spoil: func(r *Result) { r.Checks[2].Old["phoenix_kit_users"] = Digest{1979, "5"} }, reason: "1,979 of the rows that the application does not write exist after down"},
		{name: "table gone", spoil: func(r *Result) { delete(r.Checks[1].Old, "phoenix_kit_users") }, reason: "0 of the rows that the application does not write exist after up"},
		{name: "row changed", spoil: func(r *Result) { r.Checks[1].Old["phoenix_kit_users"] = Digest{1980, "6"} }, reason: "phoenix_kit_users: old columns"},
		{name: "written row lost", spoil: func(r *Result) { r.Checks[2].Written.Lost = 1 }, reason: "1 of the application's rows are lost"},
		{name: "uuid replaced", spoil: func(r *Result) { r.Checks[1].Written.Replaced = 1 }, reason: "do not have the uuid"},
		{name: "catalogue before", spoil: func(r *Result) { r.Checks[0].Catalogue = []string{"x"} }, reason: "the catalogue before has 1 differences"},
		{name: "verify", spoil: func(r *Result) { r.Verify = Verified{Differences: []string{"x is missing y"}} }, reason: "verify found differences; the first: x is missing y"},
		{name: "nothing looked up", spoil: func(r *Result) { r.Traffic.LookedUp = 0 }, reason: "never looked up by uuid"},
		{name: "failed in link", spoil: func(r *Result) { r.Journey.Failed, r.Journey.Errors = 1, []string{"insert: no"} }, reason: "applications failed: insert: no"},
		{name: "lost in link", spoil: func(r *Result) { r.Journey.Wrong = 2 }, reason: "2 rows of the two applications are lost or wrong"},
		{name: "different keys", spoil: func(r *Result) { r.Journey.Bad = 3 }, reason: "the two keys of 3 rows differ"},
		{name: "waited in link", spoil: func(r *Result) { r.Journey.Longest = 2 * time.Second }, reason: "a transaction of the two applications took 2.0 s"},
		{name: "one application", spoil: func(r *Result) { r.Journey.UUIDs = 0 }, reason: "not all of the journey"},
		{name: "not back", spoil: func(r *Result) { r.Journey.Different = []string{"new: index x"} }, reason: "left 1 differences in the catalogue: new: index x"},
		{name: "not switched", spoil: func(r *Result) { r.Journey.Phases = r.Journey.Phases[:1] }, reason: "not all of the journey ran with both applications: linked"},
		{name: "no check", spoil: func(r *Result) { r.Checks = r.Checks[:2] }, reason: "not all of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good()
			c.spoil(&r)
			r.judge(nil)
			if all := strings.Join(r.Reasons, "\n"); r.OK != (c.reason == "") || !strings.Contains(all, c.reason) || (r.Problem() == nil) != r.OK {
				t.Errorf("ok is %v for %q", r.OK, all)
			}
		})
	}
}

// A demo that an error ended is not OK, even without a reason.
func TestUnfinishedIsNotOK(t *testing.T) {
	r := Result{}
	if r.judge(errors.New("no server")); r.OK || len(r.Reasons) > 0 {
		t.Errorf("ok is %v, %q", r.OK, r.Reasons)
	}
}
