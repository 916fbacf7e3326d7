package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

// Result is what a demo found: the last event.
type Result struct {
	OK       bool          `json:"ok"`                // nothing is in Reasons, and no problem ended the demo
	Reasons  []string      `json:"reasons,omitempty"` // why it is not OK
	Server   string        `json:"server"`            // version of PostgreSQL
	Tables   int           `json:"tables"`
	Rows     int64         `json:"rows"` // before up
	Up       event.Result  `json:"up"`
	Verify   Verified      `json:"verify"`
	Down     event.Result  `json:"down"`
	Traffic  Figures       `json:"traffic"`
	MaxWait  time.Duration `json:"max_wait_ns"`
	Checks   []Checked     `json:"checks"`
	Elapsed  time.Duration `json:"elapsed_ns"`
	URL      string        `json:"url,omitempty"` // where the database is, if it is kept
	Problems problem.List  `json:"problems,omitempty"`
	Exit     int           `json:"exit"`
}

// judge derives OK from what was found. A demo that an error ended has not shown all that it is to
// show, so that what was not reached is no reason of its own.
func (r *Result) judge(err error) {
	r.Reasons = slices.Concat(r.traffic(), r.checks())
	if err == nil {
		r.Reasons = append(r.Reasons, r.reached()...)
	}
	r.OK = err == nil && len(r.Reasons) == 0
}

// Problem tells a person why the demo is not OK; nil if it is.
func (r *Result) Problem() error {
	if r.OK {
		return nil
	}
	return &problem.Problem{
		Kind: problem.Failed, Code: "demo_failed", Message: "the demo did not hold what it promises",
		Detail: strings.Join(r.Reasons, "\n"),
		Hint:   "Run it with --keep to look at the database afterwards. A machine that is busy with other things makes waits longer; --max-wait allows more.",
	}
}

// traffic are the application's complaints.
func (r *Result) traffic() []string {
	var reasons []string
	f := r.Traffic
	if f.Failed > 0 {
		reasons = append(reasons, fmt.Sprintf("%s of the application's statements failed: %s", screen.Count(f.Failed), f.first()))
	}
	if f.Wrong > 0 {
		reasons = append(reasons, fmt.Sprintf("%s of the application's statements found another row than was written, or none: %s", screen.Count(f.Wrong), f.first()))
	}
	if f.Longest > r.MaxWait {
		reasons = append(reasons, fmt.Sprintf("a statement waited %s and the bound is %s: %s, during %s",
			screen.Span(f.Longest), screen.Span(r.MaxWait), f.LongestOf, f.LongestIn))
	}
	return reasons
}

// checks compares the checks with the first one.
func (r *Result) checks() []string {
	var reasons []string
	for _, c := range r.Checks {
		for _, table := range slices.Sorted(maps.Keys(r.Checks[0].Old)) {
			was, is := r.Checks[0].Old[table], c.Old[table]
			switch {
			case is.Rows != was.Rows:
				reasons = append(reasons, fmt.Sprintf("%s: %s of the rows that nobody wrote are there %s, and were %s before",
					table, screen.Count(is.Rows), c.Stage, screen.Count(was.Rows)))
			case is.Sum != was.Sum:
				reasons = append(reasons, fmt.Sprintf("%s: the old columns of rows that nobody wrote have changed %s", table, c.Stage))
			}
		}
		if c.Written.Lost > 0 {
			reasons = append(reasons, fmt.Sprintf("%s of the application's rows are lost or changed %s: %s",
				screen.Count(c.Written.Lost), c.Stage, c.Written.Example))
		}
		if c.Written.Replaced > 0 {
			reasons = append(reasons, fmt.Sprintf("%s rows do not have the uuid that the application knows of them, %s: %s",
				screen.Count(c.Written.Replaced), c.Stage, c.Written.Example))
		}
		if n := len(c.Catalogue); n > 0 {
			reasons = append(reasons, fmt.Sprintf("the catalogue differs from PhoenixKit's %s in %s points, first %s",
				c.Stage, screen.Count(int64(n)), c.Catalogue[0]))
		}
	}
	return reasons
}

// reached asks of a demo that came to its end for what it is to show: a figure of zero proves nothing.
func (r *Result) reached() []string {
	var reasons []string
	if !r.Verify.OK {
		reason := "verify has found differences"
		if len(r.Verify.Differences) > 0 {
			reason += ", first " + r.Verify.Differences[0]
		}
		reasons = append(reasons, reason)
	}
	f := r.Traffic
	for _, verb := range []struct {
		what  string
		times int64
	}{
		{"selected", f.Selected},
		{"inserted", f.Inserted},
		{"inserted a uuid of its own", f.OwnKeys},
		{"updated", f.Updated},
		{"deleted", f.Deleted},
		{"looked up by uuid", f.LookedUp},
	} {
		if verb.times == 0 {
			reasons = append(reasons, "the application never "+verb.what+", so that nothing is shown of it")
		}
	}
	if !r.Up.OK || !r.Down.OK || len(r.Checks) != 3 {
		reasons = append(reasons, "not all of up, down and the checks have run")
	}
	return reasons
}
