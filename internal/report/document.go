// Package report describes one run for people who were not there: its options, its timeline, its cost and the proof of its
// result. [Build] makes a [Document] of the events of a run. [HTML], [Markdown] and [JSON] write it. The package is pure.
package report

import (
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// Document is the report of one run: the JSON of `rekey report --format json`.
type Document struct {
	// Document is "rekey report".
	Document string `json:"document"`
	// FormatVersion is the version of the JSON, [event.FormatVersion].
	FormatVersion int `json:"format_version"`
	// Made is when the report was made, in UTC.
	Made time.Time `json:"made"`
	// MadeBy is the version of rekey that made the report.
	MadeBy string `json:"made_by"`
	// Run describes the run and its end.
	Run Run `json:"run"`
	// Environment has the options, the server's settings and the tables; nil if the run did not record it.
	Environment *event.Environment `json:"environment,omitempty"`
	// Work lists the tables, references and primary keys on which the run worked, in the order of their beginning.
	Work []Work `json:"work"`
	// Locks lists every ACCESS EXCLUSIVE lock, in the order in which they were released.
	Locks []Lock `json:"access_exclusive"`
	// Refused lists the attempts to take a lock that reached the lock timeout.
	Refused []Attempt `json:"lock_timeouts"`
	// Pauses lists the times in which the run paused or was slower, with the reason.
	Pauses []Pause `json:"pauses"`
	// Impact sums up how the application slowed down; nil if it was not measured.
	Impact *Impact `json:"impact,omitempty"`
	// Samples are the measurements over time, at most 1,000: of each interval the largest value.
	Samples []Sample `json:"samples"`
	// Costs are forecast and actual, first of all tables, then of each.
	Costs []Cost `json:"costs"`
	// Verification is the last verification of the tables; nil if none is recorded.
	Verification *Verification `json:"verification,omitempty"`
	// Statements lists the statements that the run executed, without the batches of the backfill.
	Statements []Statement `json:"statements"`
	// Notices lists what the run reported that needs no action.
	Notices []Notice `json:"notices"`
	// Absent lists the tables of the profile that do not exist.
	Absent []string `json:"absent,omitempty"`
	// Skipped says why tables were skipped.
	Skipped problem.List `json:"skipped,omitempty"`
	// Problems says why the run ended; empty if it is done.
	Problems problem.List `json:"problems,omitempty"`
	// Notes are sentences about what the report does not contain, and why.
	Notes []string `json:"notes,omitempty"`
}

// Run is the run of a report.
type Run struct {
	// Number is the number of the run in the journal, 0 if the run ended before it had one.
	Number int64 `json:"number"`
	// Command is "up" or "down".
	Command string `json:"command"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Phase is the phase to reach, "" if it is not recorded.
	Phase string `json:"phase,omitempty"`
	// From is the version that was recorded before, 0 without a profile.
	From int `json:"from_version,omitempty"`
	// To is the version that the run records, 0 without a profile.
	To int `json:"to_version,omitempty"`
	// Program is the version of rekey that ran.
	Program string `json:"program,omitempty"`
	// Outcome is how the run ended.
	Outcome Outcome `json:"outcome"`
	// Exit is the exit code of the command, -1 if it is not recorded.
	Exit int `json:"exit"`
	// Started is when the run began, in UTC.
	Started time.Time `json:"started"`
	// Ended is when the run ended; while it is running, and of a killed one, the time of its last event.
	Ended time.Time `json:"ended"`
	// Elapsed is the duration.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Rows is the number of rows that the run filled.
	Rows int64 `json:"rows"`
	// Tables is the number of complete tables.
	Tables int `json:"tables"`
	// Edges is the number of complete references.
	Edges int `json:"edges,omitempty"`
	// Keys is the number of complete primary keys.
	Keys int `json:"keys,omitempty"`
	// Locks sums up the ACCESS EXCLUSIVE locks.
	Locks event.Locks `json:"access_exclusive"`
}

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	Done        Outcome = "done"
	NothingToDo Outcome = "nothing to do"
	Refused     Outcome = "refused"
	Stopped     Outcome = "stopped"
	Interrupted Outcome = "interrupted"
	Failed      Outcome = "failed"
	Differs     Outcome = "differs"
	Running     Outcome = "running"
	Killed      Outcome = "killed"
)

// Work is the work on one table, reference or primary key.
type Work struct {
	// Name is the schema-qualified name; of a reference, with its column.
	Name string `json:"name"`
	// Kind is "table", "reference" or "primary key".
	Kind string `json:"kind"`
	// Phase is the phase to which the work leads.
	Phase string `json:"phase,omitempty"`
	// Started is when the work began.
	Started time.Time `json:"started"`
	// Ended is when the work was complete, or the time of its last event.
	Ended time.Time `json:"ended"`
	// Complete is true if the work was completed by this run.
	Complete bool `json:"complete"`
	// Estimate is the number of rows to fill that was expected.
	Estimate int64 `json:"estimate"`
	// Rows is the number of rows that the run filled.
	Rows int64 `json:"rows"`
	// Steps lists the steps, in the order of their beginning.
	Steps []Step `json:"steps"`
}

// Step is the time of one step.
type Step struct {
	// Name is the name of the step, such as "fill-column".
	Name string `json:"name"`
	// Kind is what the step does: fill, index, check or change.
	Kind string `json:"kind"`
	// From is when the step began.
	From time.Time `json:"from"`
	// To is when the step was done.
	To time.Time `json:"to"`
	// Open is true if the run ended before the step was done.
	Open bool `json:"open,omitempty"`
}

// Lock is one ACCESS EXCLUSIVE lock.
type Lock struct {
	// Table is the table, reference or primary key of the step.
	Table string `json:"table"`
	// At is when the lock was released.
	At time.Time `json:"at"`
	// Attempts is the number of attempts it took.
	Attempts int `json:"attempts"`
	// Wait is how long the successful attempt waited.
	Wait time.Duration `json:"wait_ns"`
	// Hold is how long the lock was held.
	Hold time.Duration `json:"hold_ns"`
	// Step is the step that took it, or "".
	Step string `json:"step,omitempty"`
}

// Attempt is an attempt to take a lock that reached the lock timeout.
type Attempt struct {
	// Table is the table, reference or primary key of the step.
	Table string `json:"table"`
	// At is when the attempt ended.
	At time.Time `json:"at"`
	// Attempts is the number of attempts so far.
	Attempts int `json:"attempts"`
	// Blockers describes the sessions that held a conflicting lock.
	Blockers []string `json:"blockers,omitempty"`
	// Pause is the time until the next attempt.
	Pause time.Duration `json:"pause_ns"`
}

// Pause is a time in which the run paused or was slower.
type Pause struct {
	// Reason is one line, such as "standby replica1 lags 14s".
	Reason string `json:"reason"`
	// Paused is true if the run paused, false if it was only slower.
	Paused bool `json:"paused"`
	// From is when it began.
	From time.Time `json:"from"`
	// To is when it ended, or the time of the last event.
	To time.Time `json:"to"`
}

// Impact sums up how the application slowed down, from one sample a second.
type Impact struct {
	// Limit is the ratio that the run kept to, 0 without a limit.
	Limit float64 `json:"limit,omitempty"`
	// Median is the median of the ratios.
	Median float64 `json:"median_ratio"`
	// P95 is the ratio that 95 of 100 samples do not exceed.
	P95 float64 `json:"p95_ratio"`
	// Highest is the highest ratio.
	Highest float64 `json:"highest_ratio"`
	// HighestAt is when the ratio was highest.
	HighestAt time.Time `json:"highest_at"`
	// HighestCause is what else made the application wait then, or "".
	HighestCause string `json:"highest_cause,omitempty"`
	// Above is the number of samples above the limit.
	Above int `json:"above_limit"`
	// Samples is the number of samples.
	Samples int `json:"samples"`
	// CommitIdle is the 95th percentile of commits at rest, the median of the samples.
	CommitIdle time.Duration `json:"commit_idle_ns"`
	// Commit is the 95th percentile of commits during the run, the median of the samples.
	Commit time.Duration `json:"commit_ns"`
	// ReadIdle is the 95th percentile of reads at rest, the median of the samples.
	ReadIdle time.Duration `json:"read_idle_ns,omitempty"`
	// Read is the 95th percentile of reads during the run, the median of the samples.
	Read time.Duration `json:"read_ns,omitempty"`
}

// Sample has the measurements of one interval. A value is 0 if it was not measured.
type Sample struct {
	// At is the end of the interval.
	At time.Time `json:"at"`
	// Rows is the number of rows filled per second.
	Rows float64 `json:"rows_per_second,omitempty"`
	// Ratio is the impact.
	Ratio float64 `json:"impact,omitempty"`
	// Commit is the 95th percentile of the probe's commits.
	Commit time.Duration `json:"commit_ns,omitempty"`
	// Read is the 95th percentile of the probe's reads.
	Read time.Duration `json:"read_ns,omitempty"`
	// WAL is the number of bytes of WAL per second.
	WAL float64 `json:"wal_bytes_per_second,omitempty"`
	// Lag is how far the slowest standby or subscriber is behind.
	Lag time.Duration `json:"lag_ns,omitempty"`
	// Waiting is the number of sessions that wait for a lock.
	Waiting int `json:"waiting,omitempty"`
	// Batch is the duration of a batch.
	Batch time.Duration `json:"batch_ns,omitempty"`
}

// Cost is what one table, or all, was expected to cost, and has cost.
type Cost struct {
	// Table is the schema-qualified name, "" for all tables.
	Table string `json:"table,omitempty"`
	// Forecast is the forecast; nil if none was made.
	Forecast *event.Cost `json:"forecast,omitempty"`
	// Actual is the measurement; nil if none was made.
	Actual *event.Cost `json:"actual,omitempty"`
}

// Verification is a verification of the tables.
type Verification struct {
	// At is when it ended.
	At time.Time `json:"at"`
	// OK is true if there are no differences.
	OK bool `json:"ok"`
	// Elapsed is the time that it took.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Report is the document of `rekey verify --json`; nil if the tables could not be verified.
	Report *rekey.Report `json:"report,omitempty"`
	// Problem says why the tables could not be verified, or "".
	Problem string `json:"problem,omitempty"`
}

// Statement is a statement that the run executed.
type Statement struct {
	// At is when it began.
	At time.Time `json:"at"`
	// Step identifies the step as the plan does.
	Step string `json:"step"`
	// SQL is the statement.
	SQL string `json:"sql"`
}

// Notice is something that the run reported.
type Notice struct {
	// At is when it was reported.
	At time.Time `json:"at"`
	// Table is the schema-qualified name, or "".
	Table string `json:"table,omitempty"`
	// Text is one line.
	Text string `json:"text"`
}
