// Package event is the closed set of things that happen in a run, and how they are written as
// newline-delimited JSON. Whoever wants to show, log or measure a run reads these and nothing else.
package event

import (
	"time"

	"github.com/rekey-pg/rekey/problem"
)

// Event is one thing that happened. The types of this package are the only ones.
type Event interface{ name() string }

// RunStarted opens every run that has something to do.
type RunStarted struct {
	Run     int64  `json:"run"`
	Command string `json:"command"` // up, down
	Scope   string `json:"scope"`   // the schema
	From    int    `json:"from_version,omitempty"`
	To      int    `json:"to_version,omitempty"`
	Tables  int    `json:"tables"` // with something to do
	Rows    int64  `json:"rows"`   // estimate, of those that are to be filled
}

// TableStarted and TableDone frame the work on one table.
type TableStarted struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"` // estimate of the rows to fill
}

// TableDone tells that a table has reached its goal.
type TableDone struct {
	Table   string        `json:"table"`
	Rows    int64         `json:"rows"` // filled in this run
	Elapsed time.Duration `json:"elapsed_ns"`
}

// TableAbsent tells of a table of the profile that is not there: a disabled module.
type TableAbsent struct {
	Table string `json:"table"`
}

// StepDone tells that a step reached its goal, or that it stood there already.
type StepDone struct {
	Step    string        `json:"step"`
	Table   string        `json:"table,omitempty"`
	Already bool          `json:"already,omitempty"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Executing tells of a statement before it runs; a backfill's batches are told of by Progress.
type Executing struct {
	Step string `json:"step"`
	SQL  string `json:"sql"`
}

// Progress tells how far the filling of a table is.
type Progress struct {
	Table   string        `json:"table"`
	Done    int64         `json:"done"`  // rows filled in this run
	Total   int64         `json:"total"` // estimate; never less than Done
	Rate    float64       `json:"rate"`  // rows a second, lately
	Left    time.Duration `json:"left_ns"`
	Skipped int64         `json:"skipped,omitempty"` // rows that the application held when they were met
}

// IndexProgress tells how far CREATE INDEX CONCURRENTLY is, and for whom it waits.
type IndexProgress struct {
	Table   string   `json:"table"`
	Index   string   `json:"index"`
	Phase   string   `json:"phase"` // pg_stat_progress_create_index.phase
	Done    int64    `json:"done"`  // blocks or tuples of the phase
	Total   int64    `json:"total"`
	Waiting []string `json:"waiting,omitempty"` // the backends whose snapshots it waits for
}

// Locked tells of an ACCESS EXCLUSIVE lock that was taken and is given back.
type Locked struct {
	Table string        `json:"table"`
	Tries int           `json:"tries"`
	Wait  time.Duration `json:"wait_ns"` // of the try that took it
	Hold  time.Duration `json:"hold_ns"`
}

// LockRefused tells that a lock was not to be had within the budget, and who stands in the way.
type LockRefused struct {
	Table    string        `json:"table"`
	Tries    int           `json:"tries"`
	Blockers []string      `json:"blockers,omitempty"`
	Pause    time.Duration `json:"pause_ns"`
}

// Throttled tells that the run goes slower or stands, and why; an empty reason ends it.
type Throttled struct {
	Reason string `json:"reason"`
	Stop   bool   `json:"stop"`
}

// Notice is something worth a line.
type Notice struct {
	Table string `json:"table,omitempty"`
	Text  string `json:"text"`
}

// Finished closes every run: the last line of the NDJSON.
type Finished struct {
	OK       bool          `json:"ok"`
	Nothing  bool          `json:"nothing_to_do,omitempty"`
	Command  string        `json:"command"`
	Scope    string        `json:"scope"`
	Version  int           `json:"version,omitempty"` // recorded when it ended
	Tables   int           `json:"tables"`            // brought to their goal, or there already
	Absent   []string      `json:"absent,omitempty"`
	Skipped  problem.List  `json:"skipped,omitempty"` // why tables were passed over
	Rows     int64         `json:"rows"`              // filled in this run
	Elapsed  time.Duration `json:"elapsed_ns"`
	Locks    Locks         `json:"access_exclusive"`
	Problems problem.List  `json:"problems,omitempty"`
	Exit     int           `json:"exit"`
}

// Summary closes a command on many schemas: the last line of its NDJSON, behind the Finished of each.
type Summary struct {
	OK       bool          `json:"ok"`
	Command  string        `json:"command"`
	Pattern  string        `json:"pattern"`
	Schemas  int           `json:"schemas"`   // that match
	Done     int           `json:"done"`      // ended well
	Failed   int           `json:"failed"`    // did not
	NotBegun int           `json:"not_begun"` // since too many failed, or it was stopped
	Tables   int           `json:"tables"`
	Rows     int64         `json:"rows"` // filled in this run
	Elapsed  time.Duration `json:"elapsed_ns"`
	Kinds    []Kind        `json:"kinds,omitempty"`      // of the plans, the most frequent first
	Alone    []string      `json:"left_alone,omitempty"` // schemas that match and have not the profile's tables
	Problems problem.List  `json:"problems,omitempty"`
	Exit     int           `json:"exit"`
}

// Kind is how many schemas have one plan, but for names and sizes.
type Kind struct {
	Like        string `json:"like"` // the first of them
	Fingerprint string `json:"fingerprint"`
	Schemas     int    `json:"schemas"`
}

// Locks is the account of the ACCESS EXCLUSIVE locks of a run.
type Locks struct {
	Count       int           `json:"count"`
	Tries       int           `json:"tries"`
	LongestWait time.Duration `json:"longest_wait_ns"`
	LongestHold time.Duration `json:"longest_hold_ns"`
	TotalHold   time.Duration `json:"total_hold_ns"`
}

func (RunStarted) name() string    { return "run_started" }
func (TableStarted) name() string  { return "table_started" }
func (TableDone) name() string     { return "table_done" }
func (TableAbsent) name() string   { return "table_absent" }
func (StepDone) name() string      { return "step_done" }
func (Executing) name() string     { return "executing" }
func (Progress) name() string      { return "progress" }
func (IndexProgress) name() string { return "index_progress" }
func (Locked) name() string        { return "locked" }
func (LockRefused) name() string   { return "lock_refused" }
func (Throttled) name() string     { return "throttled" }
func (Notice) name() string        { return "notice" }
func (Finished) name() string      { return "result" }
func (Summary) name() string       { return "summary" }

// Sink takes events, one at a time and in order. A nil Sink takes them too.
type Sink func(Event)

// Emit hands an event over.
func (s Sink) Emit(e Event) {
	if s != nil {
		s(e)
	}
}
