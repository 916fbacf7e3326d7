package demo

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

// Result contains the findings of a demo. It is the last event.
type Result struct {
	OK       bool          `json:"ok"`                // Reasons is empty, and no problem ended the demo
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
	Journey  Journey       `json:"journey"`
	Elapsed  time.Duration `json:"elapsed_ns"`
	URL      string        `json:"url,omitempty"` // connection string of the database, if it is kept
	Problems problem.List  `json:"problems,omitempty"`
	Exit     int           `json:"exit"`
}

// judge sets OK and Reasons from the findings. Findings that are missing because an error ended the demo are no
// reasons.
func (r *Result) judge(err error) {
	r.Reasons = slices.Concat(r.traffic(), r.checks())
	if err == nil {
		r.Reasons = append(append(r.Reasons, r.reached()...), r.Journey.reasons(r.MaxWait)...)
	}
	r.OK = err == nil && len(r.Reasons) == 0
}

// Problem returns the reasons why the demo is not OK, or nil.
func (r *Result) Problem() error {
	if r.OK {
		return nil
	}
	return message.DemoFailed(r.Reasons)
}

// traffic returns the failures that the application noticed.
func (r *Result) traffic() []string {
	var reasons []string
	f := r.Traffic
	if f.Failed > 0 {
		reasons = append(reasons, fmt.Sprintf("%s of the application's statements failed: %s", screen.Count(f.Failed), f.first()))
	}
	if f.Wrong > 0 {
		reasons = append(reasons, fmt.Sprintf("%s of the application's statements read a row other than the recorded one, or none: %s", screen.Count(f.Wrong), f.first()))
	}
	if f.Longest > r.MaxWait {
		reasons = append(reasons, fmt.Sprintf("a statement took %s, more than %s: %s, during %s",
			screen.FormatDuration(f.Longest), screen.FormatDuration(r.MaxWait), f.LongestOf, f.LongestIn))
	}
	return reasons
}

// checks compares each check with the first one.
func (r *Result) checks() []string {
	var reasons []string
	for _, c := range r.Checks {
		for _, table := range slices.Sorted(maps.Keys(r.Checks[0].Old)) {
			was, is := r.Checks[0].Old[table], c.Old[table]
			switch {
			case is.Rows != was.Rows:
				reasons = append(reasons, fmt.Sprintf("%s: %s of the rows that the application does not write exist %s; before, there were %s",
					table, screen.Count(is.Rows), c.Stage, screen.Count(was.Rows)))
			case is.Sum != was.Sum:
				reasons = append(reasons, fmt.Sprintf("%s: old columns of rows that the application does not write changed %s", table, c.Stage))
			}
		}
		if c.Written.Lost > 0 {
			reasons = append(reasons, fmt.Sprintf("%s of the application's rows are lost or changed %s: %s",
				screen.Count(c.Written.Lost), c.Stage, c.Written.Example))
		}
		if c.Written.Replaced > 0 {
			reasons = append(reasons, fmt.Sprintf("%s rows do not have the uuid in the application's record, %s: %s",
				screen.Count(c.Written.Replaced), c.Stage, c.Written.Example))
		}
		if n := len(c.Catalogue); n > 0 {
			reasons = append(reasons, fmt.Sprintf("the catalogue %s has %s differences from PhoenixKit's; the first: %s",
				c.Stage, screen.Count(int64(n)), c.Catalogue[0]))
		}
	}
	return reasons
}

// reached returns the parts of a finished demo that have shown nothing: a figure of zero proves nothing.
func (r *Result) reached() []string {
	var reasons []string
	if !r.Verify.OK {
		reason := "verify found differences"
		if len(r.Verify.Differences) > 0 {
			reason += "; the first: " + r.Verify.Differences[0]
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
			reasons = append(reasons, "the application never "+verb.what+", so the demo does not show it")
		}
	}
	if !r.Up.OK || !r.Down.OK || len(r.Checks) != 3 {
		reasons = append(reasons, "not all of up, down and the three checks ran")
	}
	return reasons
}
