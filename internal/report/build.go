package report

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

// Input is what a report is made of, besides the events of the run.
type Input struct {
	// Made is when the report is made.
	Made time.Time
	// MadeBy is the version of rekey.
	MadeBy string
	// Record is the row of the run in the journal; nil if the run ended before it had one.
	Record *Record
	// Verification is a verification that was made for this report; nil if there was none.
	Verification *Verification
}

// Record is the row of a run in the journal.
type Record struct {
	// Run is the number of the run.
	Run int64
	// Command is "up" or "down".
	Command string
	// Schema is the name of the schema.
	Schema string
	// Phase is the phase to reach, "" if it is not recorded.
	Phase string
	// Program is the version of rekey that ran.
	Program string
	// Started is when the run began.
	Started time.Time
	// Ended is when the run ended, zero if no end is recorded.
	Ended time.Time
	// Outcome is the recorded outcome, "" without one.
	Outcome string
	// Detail is the recorded error, or "".
	Detail string
	// Rows is the recorded number of rows.
	Rows int64
	// Live is true if the run holds the lease now.
	Live bool
}

// Builder makes a document of the events of a run, which may end early, or be none. Its memory grows with the work and not with
// the duration of the run, apart from the figures of the impact.
type Builder struct {
	state   history.State // what screens and the page show; the document adds lists of single events
	doc     Document
	began   time.Time // of the first event
	last    time.Time // of the last event that is no verification
	entries int64
	impact  impacts
}

// Add adds the next event.
func (b *Builder) Add(entry history.Entry) {
	at := entry.At.UTC()
	entry.At = at
	b.state = history.Fold(b.state, entry)
	b.entries++
	if b.began.IsZero() {
		b.began = at
	}
	switch e := entry.Event.(type) {
	case event.Verified:
		b.doc.Verification = verification(e, at)
		return
	case event.Notice:
		b.doc.Notices = append(b.doc.Notices, Notice{at, e})
	case event.Executing:
		b.doc.Statements = append(b.doc.Statements, Statement{at, e})
	case event.LockRefused:
		b.doc.Refused = append(b.doc.Refused, Attempt{at, e})
	case event.Impact:
		b.impact.add(e, at)
	}
	b.last = at
}

// Ended reports whether the run has a result.
func (b *Builder) Ended() bool { return b.state.Result != nil }

// Run returns the number of the run, 0 before it has one.
func (b *Builder) Run() int64 { return b.state.Run }

// Build returns the document of the events so far.
func (b *Builder) Build(in Input) Document {
	s, doc := b.state, b.doc
	doc.Document, doc.FormatVersion, doc.Made, doc.MadeBy = "rekey report", event.FormatVersion, in.Made.UTC(), in.MadeBy
	doc.Environment, doc.Impact = s.Environment, b.impact.sum()
	if in.Verification != nil {
		doc.Verification = in.Verification
	}
	doc.Work = b.work()
	doc.Locks, doc.Pauses, doc.Samples, doc.Costs = []Lock{}, []Pause{}, []Sample{}, costsOf(s)
	for _, l := range s.Locks {
		doc.Locks = append(doc.Locks, Lock{l.At, l.Step, l.Locked})
	}
	for _, r := range s.Reasons {
		doc.Pauses = append(doc.Pauses, Pause(r))
	}
	if s.Reason != "" { // it lasted to the end
		doc.Pauses = append(doc.Pauses, Pause{Text: s.Reason, Paused: s.Paused, From: s.ReasonSince, To: b.last})
	}
	for _, one := range s.Samples {
		doc.Samples = append(doc.Samples, Sample(one))
	}
	doc.Refused, doc.Statements, doc.Notices = list(doc.Refused), list(doc.Statements), list(doc.Notices)
	doc.Run = b.run(in.Record, doc)
	doc.Notes = b.notes(in, doc)
	return doc
}

// list returns an empty list for none, which JSON writes as [].
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// work returns the work on each table, reference and primary key, with its steps.
func (b *Builder) work() []Work {
	s := b.state
	tables := slices.Concat(s.Finished, s.Work)
	slices.SortStableFunc(tables, func(a, b history.Table) int { return a.Started.Compare(b.Started) })
	work := []Work{}
	latest := map[string][]int{} // indexes in work by name; the tables and references of the last phase have the names of earlier ones
	for _, t := range tables {
		w := Work{Name: t.Name, Kind: t.Kind(), Phase: t.Goal, Started: t.Started, Ended: t.Ended, Complete: !t.Ended.IsZero(), Estimate: t.Estimate, Rows: t.Done, Steps: []Step{}}
		if !w.Complete {
			w.Ended = laterOf(t.Updated, t.Started)
		}
		latest[t.Name] = append(latest[t.Name], len(work))
		work = append(work, w)
	}
	for _, step := range s.Steps {
		end := step.Started.Add(step.Elapsed)
		for _, i := range slices.Backward(latest[step.Table]) {
			if w := &work[i]; !end.Before(w.Started) {
				if !step.Already {
					w.Steps = append(w.Steps, Step{Name: stepOf(step.ID), Kind: kindOf(stepOf(step.ID)), From: step.Started, To: end})
				}
				break
			}
		}
	}
	for _, t := range s.Work {
		w := &work[latest[t.Name][len(latest[t.Name])-1]]
		if open := openStep(t, *w); open != nil {
			w.Steps = append(w.Steps, *open)
		}
	}
	return work
}

// openStep returns the step that a table was at when the events ended, or nil. A backfill has no event of its beginning: it begins
// at the end of the step before.
func openStep(t history.Table, w Work) *Step {
	filled := slices.ContainsFunc(w.Steps, func(s Step) bool { return s.Kind == fills })
	switch {
	case t.Step != nil:
		return &Step{Name: stepOf(t.Step.ID), Kind: kindOf(stepOf(t.Step.ID)), From: t.Step.Started, To: w.Ended, Open: true}
	case t.Done == 0 || filled:
		return nil
	}
	open := Step{Name: "fill-column", Kind: fills, From: w.Started, To: w.Ended, Open: true}
	if t.Edge {
		open.Name = "fill"
	}
	if n := len(w.Steps); n > 0 {
		open.From = w.Steps[n-1].To
	}
	return &open
}

// costsOf returns forecast and actual side by side, first of all tables.
func costsOf(s history.State) []Cost {
	costs := []Cost{}
	at := map[string]int{}
	of := func(table string) *Cost {
		i, found := at[table]
		if !found {
			i = len(costs)
			at[table] = i
			costs = append(costs, Cost{Table: table})
		}
		return &costs[i]
	}
	for _, f := range s.Forecast {
		of(f.Table).Forecast = &f.Cost
	}
	for _, m := range s.Measured {
		of(m.Table).Actual = &m.Cost
	}
	slices.SortStableFunc(costs, func(a, b Cost) int { return cmp.Compare(min(len(a.Table), 1), min(len(b.Table), 1)) })
	return costs
}

func verification(e event.Verified, at time.Time) *Verification {
	v := Verification{At: at, OK: e.OK, Elapsed: e.Elapsed, Problem: e.Problem}
	var report rekey.Report
	if len(e.Report) > 0 && json.Unmarshal(e.Report, &report) == nil && report.FormatVersion > 0 {
		v.Report = &report
	}
	return &v
}

// stepOf returns the name of a step: "public.users/add-column" is add-column.
func stepOf(id string) string { return id[strings.LastIndex(id, "/")+1:] }

// The kinds of steps.
const (
	fills   = "fill"
	indexes = "index"
	checks  = "check"
	changes = "change"
)

// kindOf returns what a step does.
func kindOf(step string) string {
	switch step {
	case "fill-column", "fill":
		return fills
	case "build-index", "mirror-indexes", "parent-index", "primary-index", "unique-key", "keep-unique", "move-arbiter":
		return indexes
	case "require-value", "require-uuid", "link":
		return checks
	default:
		return changes
	}
}
