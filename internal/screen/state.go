package screen

import (
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// State is the state of a run after some of its events. It is a value; Fold returns the next one.
type State struct {
	Command  string
	Schema   string
	From, To int
	Tables   int   // that have pending steps
	Edges    int   // references that have pending steps
	Keys     int   // primary keys that have pending steps
	Rows     int64 // to fill, estimated at the start
	Started  time.Time
	Work     []Table // the active tables, the oldest first
	Finished []Table
	Absent   []string
	Reason   string // why it slows down or pauses; "" if it does not
	Paused   bool
	Impact   event.Impact // what the application feels, zero while it is not measured
}

// Table is an active or a finished table.
type Table struct {
	Name         string
	Estimate     int64 // rows to fill, estimated at the start
	Done         int64 // rows filled
	Total        int64 // rows to fill; never less than Done
	Rate         float64
	Left         time.Duration
	Skipped      int64
	Started      time.Time
	Elapsed      time.Duration // of a finished table
	Phase        string        // the current step, if it is not the backfill
	Blockers     []string      // the sessions that hold the lock
	WaitsForLock bool
}

// Fold returns the state after one more event, which happened at the time at.
func Fold(s State, e event.Event, at time.Time) State {
	switch e := e.(type) {
	case event.RunStarted:
		s.Command, s.Schema, s.From, s.To = e.Command, e.Schema, e.From, e.To
		s.Tables, s.Edges, s.Keys, s.Rows, s.Started = e.Tables, e.Edges, e.Keys, e.Rows, at
	case event.TableStarted:
		return s.start(e, at)
	case event.TableDone:
		return s.finish(e)
	case event.TableAbsent:
		s.Absent = append(slices.Clone(s.Absent), e.Table)
	case event.Throttled:
		s.Reason, s.Paused = e.Reason, e.Paused
	case event.Impact:
		s.Impact = e
	case event.Progress:
		return s.change(e.Table, func(t *Table) {
			t.Done, t.Total = max(e.Done, 0), max(e.Total, e.Done, 0)
			t.Rate, t.Left, t.Skipped, t.Phase = e.Rate, e.Left, e.Held, ""
			t.WaitsForLock, t.Blockers = false, nil
		})
	case event.IndexProgress:
		return s.change(e.Table, func(t *Table) {
			t.Phase, t.WaitsForLock, t.Blockers = indexPhase(e), len(e.Waiting) > 0, e.Waiting
		})
	case event.LockRefused:
		return s.change(e.Table, func(t *Table) { t.WaitsForLock, t.Blockers = true, e.Blockers })
	case event.Locked:
		return s.change(e.Table, func(t *Table) { t.WaitsForLock, t.Blockers = false, nil })
	case event.StepDone:
		return s.change(e.Table, func(t *Table) { t.Phase, t.WaitsForLock, t.Blockers = "", false, nil })
	}
	return s
}

func (s State) start(e event.TableStarted, at time.Time) State {
	s.Work = append(slices.Clone(s.Work), Table{Name: e.Table, Estimate: e.Rows, Total: max(e.Rows, 0), Started: at})
	return s
}

func (s State) finish(e event.TableDone) State {
	t := Table{Name: e.Table}
	s.Impact = event.Impact{}
	s.Work = slices.Clone(s.Work)
	if i := s.find(e.Table); i >= 0 {
		t = s.Work[i]
		s.Work = slices.Delete(s.Work, i, i+1)
	}
	t.Done, t.Total, t.Elapsed = e.Rows, e.Rows, e.Elapsed
	t.Phase, t.WaitsForLock, t.Blockers = "", false, nil
	s.Finished = append(slices.Clone(s.Finished), t)
	return s
}

func (s State) find(table string) int {
	return slices.IndexFunc(s.Work, func(t Table) bool { return t.Name == table })
}

// change changes one active table in a copy of the state.
func (s State) change(table string, alter func(*Table)) State {
	i := s.find(table)
	if i < 0 {
		return s
	}
	s.Work = slices.Clone(s.Work)
	alter(&s.Work[i])
	return s
}

// Done returns the number of rows that were filled.
func (s State) Done() int64 {
	var rows int64
	for _, list := range [][]Table{s.Work, s.Finished} {
		for _, t := range list {
			rows += t.Done
		}
	}
	return rows
}

// Total returns the estimated number of rows that the run fills. Started tables count with their current number, the
// others with the estimate.
func (s State) Total() int64 {
	rest, known := s.Rows, int64(0)
	for _, list := range [][]Table{s.Work, s.Finished} {
		for _, t := range list {
			rest -= t.Estimate
			known += t.Total
		}
	}
	return known + max(rest, 0)
}

// Percent returns the progress of the run by rows, or by tables if there are no rows to fill. It is below 100 until
// every table is finished.
func (s State) Percent() int {
	value := percent(s.Done(), s.Total())
	if s.Total() <= 0 {
		value = percent(int64(len(s.Finished)), int64(s.Tables+s.Edges+s.Keys))
	}
	if len(s.Work) > 0 || len(s.Finished) < s.Tables+s.Edges+s.Keys {
		value = min(value, 99)
	}
	return value
}

// Rate returns the number of rows that are filled per second.
func (s State) Rate() float64 {
	var rate float64
	for _, t := range s.Work {
		if t.Done < t.Total {
			rate += t.Rate
		}
	}
	return rate
}

// Left returns the estimated remaining time, 0 if it is unknown.
func (s State) Left() time.Duration {
	rate := s.Rate()
	if rate <= 0 {
		return 0
	}
	return time.Duration(float64(s.Total()-s.Done()) / rate * float64(time.Second))
}
