package rehearse

import (
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

// readsRows reports whether the time of a step grows with the rows: it fills, builds an index or checks a constraint.
func readsRows(step string) bool {
	return slices.Contains([]string{
		"fill-column", "fill", "build-index", "require-value", "mirror-indexes", "parent-index", "link", "require-uuid", "primary-index", "unique-key", "settle",
	}, path.Base(step))
}

// estimate estimates the time of up on all rows from its time on the sample, and adds it to the events before the last one.
func (r *Result) estimate(took time.Duration) {
	if r.Rows <= 0 || r.SourceRows <= r.Rows || len(r.Entries) == 0 {
		return
	}
	var grows time.Duration
	for _, e := range r.Entries {
		if done, ok := e.Event.(event.StepDone); ok && readsRows(done.Step) {
			grows += done.Elapsed
		}
	}
	more := float64(r.SourceRows)/float64(r.Rows) - 1
	r.ExpectedUp = took + time.Duration(more*float64(grows))
	last := len(r.Entries) - 1
	r.Entries = slices.Insert(r.Entries, last, history.Entry{At: r.Entries[last].At, Event: event.Notice{Text: r.Estimate()}})
}

// Estimate says in a sentence how long up would take on all rows, "" if all rows were copied.
func (r Result) Estimate() string {
	if r.ExpectedUp == 0 {
		return ""
	}
	return fmt.Sprintf("On all %d rows up would take about %s on this machine. This is an estimate: the steps that read rows take %.1f times as long.",
		r.SourceRows, r.ExpectedUp.Round(time.Second), float64(r.SourceRows)/float64(r.Rows))
}
