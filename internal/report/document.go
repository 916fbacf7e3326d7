// Package report describes one run for people who were not there: its options, its timeline, its cost and the proof of its
// result. [Build] makes a [Document] of the events of a run. [HTML], [Markdown] and [JSON] write it. The package is pure.
package report

import (
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
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
	// Locks lists every ACCESS EXCLUSIVE and SHARE ROW EXCLUSIVE lock, in the order in which they were released.
	Locks []Lock `json:"locks"`
	// Refused lists the attempts to take a lock that reached the lock timeout.
	Refused []Attempt `json:"lock_timeouts"`
	// Pauses lists the times in which the run paused or was slower, with the reason.
	Pauses []Pause `json:"pauses"`
	// Impact sums up how the application slowed down; nil if it was not measured.
	Impact *Impact `json:"impact,omitempty"`
	// Samples are the measurements over time, one a second. Of a long run they are thinned to at most 1,000: all of the last five
	// minutes, and one of each interval before.
	Samples []Sample `json:"samples"`
	// Costs are forecast and actual, first of all tables, then of each.
	Costs []Cost `json:"costs"`
	// Verification is the last verification of the tables; nil if none is recorded.
	Verification *Verification `json:"verification,omitempty"`
	// Statements lists the statements that the run executed, without the batches of the backfill.
	Statements []Statement `json:"statements"`
	// Notices lists what the run reported that needs no action.
	Notices []Notice `json:"notices"`
	// Notes are sentences about what the report does not contain, and why.
	Notes []string `json:"notes,omitempty"`
}

// Run is the run of a report. It has the fields of its result; of a run without one, they are counted from its events, and the
// exit code is -1.
type Run struct {
	// Number is the number of the run in the journal, 0 if the run ended before it had one.
	Number int64 `json:"number"`
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
	// Started is when the run began, in UTC.
	Started time.Time `json:"started"`
	// Ended is when the run ended; while it is running, and of a killed one, the time of its last event.
	Ended time.Time `json:"ended"`
	event.Result
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

// Lock describes locks that one change took and released together.
type Lock struct {
	// At is when they were released.
	At time.Time `json:"at"`
	// Step identifies the step that took them as the plan does, "" if it is not known.
	Step string `json:"step,omitempty"`
	event.Locked
}

// Attempt is an attempt to take a lock that reached the lock timeout.
type Attempt struct {
	// At is when the attempt ended.
	At time.Time `json:"at"`
	event.LockRefused
}

// Pause is a time in which the run paused or was slower.
type Pause struct {
	// Text is the reason, one line, such as "standby replica1 lags 14s".
	Text string `json:"reason"`
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

// Sample is what was measured in one second.
type Sample struct {
	// At is when the last of it was measured.
	At time.Time `json:"at"`
	// Table is the table that was filled, "" if none was.
	Table string `json:"table,omitempty"`
	// Done is the number of rows filled so far, of all tables.
	Done int64 `json:"done"`
	// Rate is the recent number of rows per second of all tables, 0 if none was filled.
	Rate float64 `json:"rate"`
	// Impact is what the application felt; nil if it was not measured.
	Impact *event.Impact `json:"impact,omitempty"`
	// Load is what the server did; nil if it was not measured.
	Load *event.Load `json:"load,omitempty"`
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
	event.Executing
}

// Notice is something that the run reported.
type Notice struct {
	// At is when it was reported.
	At time.Time `json:"at"`
	event.Notice
}
