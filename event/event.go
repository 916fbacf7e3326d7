// Package event defines what a run reports while it works. The types that implement [Event] are the
// complete set; use a type switch to read them. [Line] writes an event as one line of JSON, as the
// command does with --json.
package event

import (
	"time"

	"github.com/rekey-pg/rekey/problem"
)

// Event is one thing that happened in a run.
type Event interface{ name() string }

// RunStarted is the first event of a run that has something to do.
type RunStarted struct {
	// Run is the number of the run in the journal.
	Run int64 `json:"run"`
	// Command is "up" or "down".
	Command string `json:"command"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// From is the version that is recorded now, 0 without a profile.
	From int `json:"from_version,omitempty"`
	// To is the version that the run records at its end, 0 without a profile.
	To int `json:"to_version,omitempty"`
	// Tables is the number of tables that have something to do.
	Tables int `json:"tables"`
	// Edges is the number of references that have something to do.
	Edges int `json:"edges,omitempty"`
	// Keys is the number of primary keys that have something to do.
	Keys int `json:"keys,omitempty"`
	// Rows is the estimated number of rows to fill.
	Rows int64 `json:"rows"`
}

// TableStarted is the first event of the work on a table, or on a reference.
type TableStarted struct {
	// Table is the schema-qualified name; of a reference, with its column: "app.orders.user_id".
	Table string `json:"table"`
	// Edge is true for a reference.
	Edge bool `json:"edge,omitempty"`
	// Key is true for a primary key.
	Key bool `json:"key,omitempty"`
	// Phase is the phase to which the work leads: expanded, linked, switched or contracted.
	Phase string `json:"phase,omitempty"`
	// Rows is the estimated number of rows to fill.
	Rows int64 `json:"rows"`
}

// TableDone reports that a table, or a reference, is complete.
type TableDone struct {
	// Table is the name in TableStarted.
	Table string `json:"table"`
	// Edge is true for a reference.
	Edge bool `json:"edge,omitempty"`
	// Key is true for a primary key.
	Key bool `json:"key,omitempty"`
	// Phase is the phase to which the work leads: expanded, linked, switched or contracted.
	Phase string `json:"phase,omitempty"`
	// Rows is the number of rows that this run filled.
	Rows int64 `json:"rows"`
	// Elapsed is the time since TableStarted.
	Elapsed time.Duration `json:"elapsed_ns"`
}

// TableAbsent reports a table of the profile that does not exist, such as one of a disabled module.
type TableAbsent struct {
	// Table is the schema-qualified name.
	Table string `json:"table"`
}

// StepDone reports that a step of the plan is done.
type StepDone struct {
	// Step identifies the step as the plan does: "public.users/add-column".
	Step string `json:"step"`
	// Table is the schema-qualified name, "" for a step of the schema.
	Table string `json:"table,omitempty"`
	// Already is true if the step had nothing to do.
	Already bool `json:"already,omitempty"`
	// Elapsed is the time that the step took.
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Executing reports a statement before it runs. The batches of a backfill are reported by Progress instead.
type Executing struct {
	// Step identifies the step as the plan does.
	Step string `json:"step"`
	// Table is the name in TableStarted, "" for a step of the schema.
	Table string `json:"table,omitempty"`
	// SQL is the statement.
	SQL string `json:"sql"`
	// Bytes is the size of the table that the statement reads, of VALIDATE CONSTRAINT and the build of an index; else 0.
	Bytes int64 `json:"reads_bytes,omitempty"`
}

// Progress reports how far the backfill of a table is.
type Progress struct {
	// Table is the schema-qualified name.
	Table string `json:"table"`
	// Done is the number of rows that this run filled so far.
	Done int64 `json:"done"`
	// Total is the estimated number of rows to fill, at least Done.
	Total int64 `json:"total"`
	// Rate is the recent number of rows per second.
	Rate float64 `json:"rate"`
	// Left is the estimated remaining time.
	Left time.Duration `json:"left_ns"`
	// Held is the number of rows skipped so far because the application had locked them; they are retried.
	Held int64 `json:"held,omitempty"`
}

// IndexProgress reports how far CREATE INDEX CONCURRENTLY is.
type IndexProgress struct {
	// Table is the schema-qualified name.
	Table string `json:"table"`
	// Index is the name of the index.
	Index string `json:"index"`
	// Phase is the column phase of pg_stat_progress_create_index.
	Phase string `json:"phase"`
	// Done is the number of blocks or tuples of the phase that are processed.
	Done int64 `json:"done"`
	// Total is the number of blocks or tuples of the phase.
	Total int64 `json:"total"`
	// Waiting describes the sessions whose snapshots the build waits for.
	Waiting []string `json:"waiting,omitempty"`
}

// Locked reports that locks for which the application waits were taken and released, together.
type Locked struct {
	// Table is the name in TableStarted.
	Table string `json:"table"`
	// Locks lists the locks, in the order in which they were taken; empty if an older rekey ran.
	Locks []LockedTable `json:"locks,omitempty"`
	// Attempts is the number of attempts it took.
	Attempts int `json:"attempts"`
	// Wait is how long the successful attempt waited for all of them.
	Wait time.Duration `json:"wait_ns"`
	// Hold is how long they were held.
	Hold time.Duration `json:"hold_ns"`
}

// LockedTable is one lock of a Locked.
type LockedTable struct {
	// Table is the schema-qualified name. A lock on a partitioned table includes its partitions.
	Table string `json:"table"`
	// Mode is "ACCESS EXCLUSIVE", for which readers and writers wait, or "SHARE ROW EXCLUSIVE", for which writers wait.
	Mode string `json:"mode"`
}

// Exclusive returns the tables that were locked in ACCESS EXCLUSIVE mode.
func (l Locked) Exclusive() []string {
	if len(l.Locks) == 0 {
		return []string{l.Table}
	}
	var tables []string
	for _, one := range l.Locks {
		if one.Mode == "ACCESS EXCLUSIVE" {
			tables = append(tables, one.Table)
		}
	}
	return tables
}

// LockRefused reports that an attempt to take a lock reached the lock timeout; the run retries.
type LockRefused struct {
	// Table is the schema-qualified name.
	Table string `json:"table"`
	// Attempts is the number of attempts so far.
	Attempts int `json:"attempts"`
	// Blockers describes the sessions that held a conflicting lock.
	Blockers []string `json:"blockers,omitempty"`
	// Pause is the time until the next attempt.
	Pause time.Duration `json:"pause_ns"`
}

// Throttled reports that the run slows down or pauses. An event with an empty Reason ends it.
type Throttled struct {
	// Reason is one line, such as "standby replica1 lags 14s".
	Reason string `json:"reason"`
	// Paused is true if the run pauses, false if it is only slower.
	Paused bool `json:"paused"`
	// Signal is the kind of the reason: request, impact, shards while a Citus cluster moves some, or a signal as
	// --without-signal names it, such as lag; "" at its end.
	Signal string `json:"signal,omitempty"`
}

// Impact reports once a second what the application feels of a run, as the run's probe measures it: a connection that
// commits a tiny write to a table of rekey and reads a row of the table in work, some thirty times a second.
type Impact struct {
	// Table is the schema-qualified name of the table in work, "" between tables.
	Table string `json:"table,omitempty"`
	// Commit is the 95th percentile of the recent commits.
	Commit time.Duration `json:"commit_ns"`
	// CommitIdle is the 95th percentile of the commits while the run rests.
	CommitIdle time.Duration `json:"commit_idle_ns"`
	// Read is the 95th percentile of the recent reads, 0 without a table to read.
	Read time.Duration `json:"read_ns,omitempty"`
	// ReadIdle is the 95th percentile of the reads while the run rests.
	ReadIdle time.Duration `json:"read_idle_ns,omitempty"`
	// Ratio is how many times as long as at rest commits or reads take, whichever is more. A commit that takes less than 0.5 ms
	// at rest counts as if it took 0.5 ms, and a read as if it took as long as a commit and at least 2 ms.
	Ratio float64 `json:"ratio"`
	// Limit is the ratio that the run keeps to, 0 without a limit.
	Limit float64 `json:"limit,omitempty"`
	// Workers is the number of workers on a table.
	Workers int `json:"workers"`
	// BatchTime is the current target duration of a batch.
	BatchTime time.Duration `json:"batch_time_ns"`
	// Duty is the share of the time in which a worker works, from 0 to 1.
	Duty float64 `json:"duty"`
	// Cause names what else makes the application wait now: checkpoint, wal-segments or autovacuum; "" for nothing known.
	Cause string `json:"cause,omitempty"`
}

// Load reports once a second what the server does during a run.
type Load struct {
	// WAL is the number of bytes of WAL per second that all sessions write.
	WAL float64 `json:"wal_bytes_per_second"`
	// Lag is how far the slowest standby or subscriber is behind, 0 without one.
	Lag time.Duration `json:"lag_ns,omitempty"`
	// Waiting is the number of sessions that wait for a lock.
	Waiting int `json:"waiting"`
	// Batch is the median duration of the recent batches of the backfill, 0 without one.
	Batch time.Duration `json:"batch_ns,omitempty"`
}

// Forecast reports what a run is expected to cost, before it begins: one for each table, and one for all.
type Forecast struct {
	// Table is the schema-qualified name, "" for all tables.
	Table string `json:"table,omitempty"`
	Cost
}

// Measured reports what a run has cost, after its last table: one for each table, and one for all.
type Measured struct {
	// Table is the schema-qualified name, "" for all tables.
	Table string `json:"table,omitempty"`
	Cost
}

// Cost is what a run costs, or is expected to cost.
type Cost struct {
	// Rows is the number of rows to fill.
	Rows int64 `json:"rows"`
	// Elapsed is the duration.
	Elapsed time.Duration `json:"elapsed_ns"`
	// WAL is the number of bytes of WAL that the run writes.
	WAL int64 `json:"wal_bytes"`
	// Before is the size of the tables and their indexes in bytes before the run.
	Before int64 `json:"before_bytes"`
	// After is the size of the tables and their indexes in bytes after the run.
	After int64 `json:"after_bytes"`
	// Peak is the largest additional space on the disk in bytes during the run, with the WAL that is kept; 0 if it is unknown.
	Peak int64 `json:"peak_bytes,omitempty"`
	// HeapOnly is the share of heap-only updates, from 0 to 1.
	HeapOnly float64 `json:"heap_only"`
}

// Notice reports something that needs no action.
type Notice struct {
	// Table is the schema-qualified name, or "".
	Table string `json:"table,omitempty"`
	// Text is one line.
	Text string `json:"text"`
}

// Result is the last event of every run, and what Up and Down return.
type Result struct {
	// Target is the name of the target, of a command with --targets.
	Target string `json:"target,omitempty"`
	// Group is the group of the target.
	Group string `json:"group,omitempty"`
	// OK is true if the run ended without an error.
	OK bool `json:"ok"`
	// NothingToDo is true if everything was done before the run began.
	NothingToDo bool `json:"nothing_to_do,omitempty"`
	// Command is "up" or "down".
	Command string `json:"command"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Version is the version that is recorded when the run ends, 0 without a profile.
	Version int `json:"version,omitempty"`
	// Tables is the number of complete tables, including tables that earlier runs completed.
	Tables int `json:"tables"`
	// Edges is the number of complete references, including references that earlier runs completed.
	Edges int `json:"edges,omitempty"`
	// Keys is the number of complete primary keys, including keys that earlier runs completed.
	Keys int `json:"keys,omitempty"`
	// Absent lists the tables of the profile that do not exist.
	Absent []string `json:"absent,omitempty"`
	// Skipped says why tables were skipped.
	Skipped problem.List `json:"skipped,omitempty"`
	// Rows is the number of rows that this run filled.
	Rows int64 `json:"rows"`
	// Elapsed is the duration of the run.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Locks sums up the ACCESS EXCLUSIVE locks of the run.
	Locks Locks `json:"access_exclusive"`
	// Problems says why the run ended; empty if OK.
	Problems problem.List `json:"problems,omitempty"`
	// Exit is the exit code of the command.
	Exit int `json:"exit"`
}

// Summary is the last event of a command on many schemas or targets, after the Result of each.
type Summary struct {
	// OK is true if every schema ended without an error.
	OK bool `json:"ok"`
	// Command is the command's name, such as "up".
	Command string `json:"command"`
	// Pattern is the pattern that the schemas match, or the name of the targets' schema.
	Pattern string `json:"pattern"`
	// Targets is the number of targets, of a command with --targets.
	Targets int `json:"targets,omitempty"`
	// Schemas is the number of schemas that match. Each target has one.
	Schemas int `json:"schemas"`
	// Done is the number of schemas that ended without an error.
	Done int `json:"done"`
	// Failed is the number of schemas that ended with an error.
	Failed int `json:"failed"`
	// NotBegun is the number of schemas that were not begun because the command ended earlier.
	NotBegun int `json:"not_begun"`
	// Tables is the number of complete tables in all schemas.
	Tables int `json:"tables"`
	// Rows is the number of rows filled in all schemas.
	Rows int64 `json:"rows"`
	// Elapsed is the duration of the command.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Kinds groups the schemas whose plans are equal, largest group first; of plan only.
	Kinds []Kind `json:"kinds,omitempty"`
	// Skipped lists the schemas that match but lack the profile's tables.
	Skipped []string `json:"skipped,omitempty"`
	// Problems holds the first failure.
	Problems problem.List `json:"problems,omitempty"`
	// Exit is the exit code of the command.
	Exit int `json:"exit"`
}

// Kind counts schemas whose plans are equal except for names and sizes.
type Kind struct {
	// SameAs is the first schema of the group, or the first target.
	SameAs string `json:"same_as"`
	// Fingerprint is equal for equal plans.
	Fingerprint string `json:"fingerprint"`
	// Schemas is the number of schemas.
	Schemas int `json:"schemas"`
}

// Locks sums up the ACCESS EXCLUSIVE locks of a run.
type Locks struct {
	// Count is the number of locks taken.
	Count int `json:"count"`
	// Attempts is the number of attempts to take them. One attempt takes all locks of a change.
	Attempts int `json:"attempts"`
	// LongestWait is the longest time that an attempt waited.
	LongestWait time.Duration `json:"longest_wait_ns"`
	// LongestHold is the longest time that a lock was held.
	LongestHold time.Duration `json:"longest_hold_ns"`
	// TotalHold is the time that locks were held in all.
	TotalHold time.Duration `json:"total_hold_ns"`
}

func (RunStarted) name() string    { return "run_started" }
func (Environment) name() string   { return "environment" }
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
func (Impact) name() string        { return "impact" }
func (Load) name() string          { return "load" }
func (Forecast) name() string      { return "forecast" }
func (Measured) name() string      { return "measured" }
func (Verified) name() string      { return "verified" }
func (Notice) name() string        { return "notice" }
func (Result) name() string        { return "result" }
func (Summary) name() string       { return "summary" }

// Sink receives events one at a time, in order. A nil Sink discards them.
type Sink func(Event)

// Emit passes an event to the sink.
func (s Sink) Emit(e Event) {
	if s != nil {
		s(e)
	}
}
