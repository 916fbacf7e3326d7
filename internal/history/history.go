// Package history turns the recorded events of a run into what has happened. rekey status, the live page and the report show
// a [State], so that all of them show the same.
package history

import (
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// Entry is an event of a run, as the journal records it.
type Entry struct {
	Seq   int64 // position in the run, from 1; entries may be missing, since frequent ones are thinned
	At    time.Time
	Event event.Event
}

// State is the state of a run after some of its events. It is a value; [Fold] returns the next one.
type State struct {
	Run      int64
	Command  string
	Schema   string
	From, To int
	Tables   int   // that have pending steps
	Edges    int   // references that have pending steps
	Keys     int   // primary keys that have pending steps
	Rows     int64 // to fill, estimated at the start
	Started  time.Time
	Updated  time.Time     // of the last event
	Seq      int64         // of the last event
	Result   *event.Result // nil until the run ends
	Work     []Table       // the active tables, the oldest first
	Finished []Table
	Absent   []string

	Reason      string // why it slows down or pauses; "" if it does not
	Paused      bool
	Signal      string // the kind of the reason
	ReasonSince time.Time
	Reasons     []Reason // that have ended, the oldest first; of a long run the newest

	Steps       []Step // that are done, of all tables, the oldest first
	Locks       []Lock // the oldest first
	Forecast    []event.Forecast
	Measured    []event.Measured
	Environment *event.Environment // the options, settings and tables of the run; nil if it was not recorded
	Verified    *event.Verified    // nil if rows were not verified after the run
	Impact      *event.Impact      // the latest; nil while none is measured, and while the run pauses
	Load        *event.Load        // the latest; nil if none was measured
	Samples     []Sample           // one a second at most, the oldest first; older ones are thinned
	Log         []Line             // the oldest first; of a long run the newest
	Logged      int                // the number of lines that Log has had

	entry   int64                // the position of the last entry
	current Sample               // of the current second; not among Samples yet
	grid    time.Duration        // between two of the older samples
	impact  time.Time            // of Impact
	logged  map[string]time.Time // the time of the last line about a kind of event
	logOf   string               // the last line about the throttle
}

// Table is an active or a finished table, reference or primary key.
type Table struct {
	Name         string
	Edge, Key    bool
	Goal         string // the phase to which the work leads: expanded, linked, switched or contracted
	Estimate     int64  // rows to fill, estimated at the start
	Done         int64  // rows filled
	Total        int64  // rows to fill; never less than Done
	Rate         float64
	Left         time.Duration
	Skipped      int64
	Started      time.Time
	Ended        time.Time     // of a finished table
	Elapsed      time.Duration // of a finished table
	Updated      time.Time     // of the last event about it
	Phase        string        // what it does, if it is not the backfill
	Step         *Step         // the current step; nil between steps
	Index        *event.IndexProgress
	Blockers     []string // the sessions that hold the lock
	WaitsForLock bool
	WaitsSince   time.Time // zero unless it waits
}

// Kind returns "table", "reference" or "primary key".
func (t Table) Kind() string {
	switch {
	case t.Edge:
		return "reference"
	case t.Key:
		return "primary key"
	default:
		return "table"
	}
}

// Step is a step of a table, reference or primary key, or of the schema.
type Step struct {
	ID      string // as the plan has it: "app.orders/add-column"
	Table   string // the name of the table, reference or primary key; "" for a step of the schema
	Started time.Time
	Elapsed time.Duration // 0 of a current step
	Already bool          // there was nothing to do
	SQL     []string      // the statements so far, without those of a backfill
	Bytes   int64         // the size of what the last statement reads: the table of an index build or a validation
}

// Lock describes locks that were taken and released together.
type Lock struct {
	event.Locked
	At       time.Time // when they were released
	Step     string    // the step that took them; "" if it is not known
	Blockers []string  // the sessions that made the last failed attempt wait
}

// Reason is a time in which the run was slower or paused.
type Reason struct {
	Text     string
	Paused   bool
	From, To time.Time
}

// Sample is what was measured in a second of the run.
type Sample struct {
	At     time.Time // of the last measurement in it
	Table  string    // the table that was filled; "" if none was
	Done   int64     // rows filled so far, of all tables
	Rate   float64   // rows per second
	Impact *event.Impact
	Load   *event.Load
}

// Fold returns the state after one more entry. It does not change what s shows, but the states may share memory: fold each
// state once.
func Fold(s State, entry Entry) State {
	s.Updated, s.Seq = entry.At, max(s.Seq, entry.Seq)
	at := entry.At
	before := s
	switch e := entry.Event.(type) {
	case event.RunStarted:
		s.Run, s.Command, s.Schema, s.From, s.To = e.Run, e.Command, e.Schema, e.From, e.To
		s.Tables, s.Edges, s.Keys, s.Rows, s.Started = e.Tables, e.Edges, e.Keys, e.Rows, at
	case event.TableStarted:
		s.Work = append(slices.Clone(s.Work), Table{
			Name: e.Table, Edge: e.Edge, Key: e.Key, Goal: e.Phase, Estimate: e.Rows, Total: max(e.Rows, 0), Started: at,
		})
	case event.TableDone:
		s = s.finish(e, at)
	case event.TableAbsent:
		s.Absent = append(slices.Clone(s.Absent), e.Table)
	case event.Executing, event.StepDone, event.Locked, event.LockRefused, event.Progress, event.IndexProgress:
		s = s.work(e, at)
	case event.Throttled:
		s = s.throttle(e.Reason, e.Paused, e.Signal, at)
	case event.Forecast:
		s.Forecast = append(s.Forecast, e)
	case event.Measured:
		s.Measured = append(s.Measured, e)
	case event.Environment:
		s.Environment = &e
	case event.Verified:
		s.Verified = &e
	case event.Impact:
		s.Impact, s.impact = &e, at
		s = s.sample(at, func(one *Sample) { one.Impact = &e })
	case event.Load:
		s.Load = &e
		s = s.sample(at, func(one *Sample) { one.Load = &e })
	case event.Result:
		s = s.throttle("", false, "", at).endSample()
		s.Result = &e
	case event.Notice, event.Summary:
	}
	return s.dropImpact(at).log(before, entry)
}

// impactAge is the age of an impact that no longer describes what the application feels.
const impactAge = 5 * time.Second

// dropImpact removes the impact while the run pauses, and when nothing has measured it for impactAge.
func (s State) dropImpact(at time.Time) State {
	if s.Paused || at.Sub(s.impact) > impactAge {
		s.Impact = nil
	}
	return s
}

// work applies an event of the work on a table.
func (s State) work(e event.Event, at time.Time) State {
	switch e := e.(type) {
	case event.Executing:
		return s.execute(e, at)
	case event.StepDone:
		return s.finishStep(e, at)
	case event.Locked:
		return s.lock(e, at)
	case event.LockRefused:
		return s.change(e.Table, at, func(t *Table) { t.WaitsForLock, t.Blockers = true, e.Blockers })
	case event.Progress:
		s = s.change(e.Table, at, func(t *Table) {
			t.Done, t.Total = max(e.Done, 0), max(e.Total, e.Done, 0)
			t.Rate, t.Left, t.Skipped, t.Phase, t.Index = e.Rate, e.Left, e.Held, "", nil
			t.WaitsForLock, t.Blockers = false, nil
		})
		done, rate := s.Done(), s.Rate()
		return s.sample(at, func(one *Sample) { one.Table, one.Done, one.Rate = e.Table, done, rate })
	case event.IndexProgress:
		return s.change(e.Table, at, func(t *Table) {
			t.Phase, t.Index, t.WaitsForLock, t.Blockers = indexPhase(e), &e, len(e.Waiting) > 0, e.Waiting
		})
	}
	return s
}

// execute begins the step of a statement, or adds the statement to it.
func (s State) execute(e event.Executing, at time.Time) State {
	return s.change(e.Table, at, func(t *Table) {
		step := Step{ID: e.Step, Table: t.Name, Started: at}
		if t.Step != nil && t.Step.ID == e.Step {
			step = *t.Step
		}
		step.SQL, step.Bytes = append(slices.Clone(step.SQL), e.SQL), e.Bytes
		t.Step, t.Phase, t.Index = &step, stepPhase(e), nil
	})
}

func (s State) finishStep(e event.StepDone, at time.Time) State {
	done := Step{ID: e.Step, Table: e.Table, Started: at.Add(-e.Elapsed), Elapsed: e.Elapsed, Already: e.Already}
	s = s.change(e.Table, at, func(t *Table) {
		if t.Step != nil && t.Step.ID == e.Step {
			done.SQL, done.Bytes = t.Step.SQL, t.Step.Bytes
		}
		t.Step, t.Phase, t.Index, t.WaitsForLock, t.Blockers = nil, "", nil, false, nil
	})
	s.Steps = append(s.Steps, done)
	return s
}

func (s State) lock(e event.Locked, at time.Time) State {
	l := Lock{Locked: e, At: at}
	s = s.change(e.Table, at, func(t *Table) {
		if t.Step != nil {
			l.Step = t.Step.ID
		}
		l.Blockers = t.Blockers
		t.WaitsForLock, t.Blockers = false, nil
	})
	s.Locks = append(s.Locks, l)
	return s
}

func (s State) finish(e event.TableDone, at time.Time) State {
	t := Table{Name: e.Table, Edge: e.Edge, Key: e.Key, Goal: e.Phase, Started: at.Add(-e.Elapsed)}
	s.Impact = nil // it was measured during the work on this table
	s.Work = slices.Clone(s.Work)
	if i := s.Find(e.Table); i >= 0 {
		t = s.Work[i]
		s.Work = slices.Delete(s.Work, i, i+1)
	}
	t.Done, t.Total, t.Ended, t.Elapsed = e.Rows, e.Rows, at, e.Elapsed
	t.Phase, t.Step, t.Index, t.WaitsForLock, t.Blockers = "", nil, nil, false, nil
	s.Finished = append(s.Finished, t)
	return s
}

// maxReasons is the number of reasons after which the oldest are removed.
const maxReasons = 1000

// throttle sets the reason, and records the one that ends. New figures in the same reason continue it.
func (s State) throttle(reason string, paused bool, signal string, at time.Time) State {
	if !SameReason(reason, s.Reason) || paused != s.Paused {
		if s.Reason != "" {
			if len(s.Reasons) >= maxReasons {
				s.Reasons = append(make([]Reason, 0, maxReasons), s.Reasons[maxReasons/4:]...)
			}
			s.Reasons = append(s.Reasons, Reason{Text: s.Reason, Paused: s.Paused, From: s.ReasonSince, To: at})
		}
		s.ReasonSince = at
	}
	s.Reason, s.Paused, s.Signal = reason, paused, signal
	return s
}

// Find returns the position of an active table in Work, -1 for none.
func (s State) Find(table string) int {
	return slices.IndexFunc(s.Work, func(t Table) bool { return t.Name == table })
}

// change changes one active table in a copy of the state.
func (s State) change(table string, at time.Time, alter func(*Table)) State {
	i := s.Find(table)
	if i < 0 {
		return s
	}
	s.Work = slices.Clone(s.Work)
	t := &s.Work[i]
	t.Updated = at
	alter(t)
	switch {
	case !t.WaitsForLock:
		t.WaitsSince = time.Time{}
	case t.WaitsSince.IsZero():
		t.WaitsSince = at
	}
	return s
}
