package rekey

import (
	"context"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
)

// Progress is what a run has recorded of its work in the journal, about twice a second.
type Progress struct {
	// Run is the number of the run in the journal.
	Run int64 `json:"run"`
	// Active is true while the process of the run renews its lease. A run that is neither active nor has a Result was killed,
	// or lost its connection; the same call resumes it.
	Active bool `json:"active"`
	// Command is "up" or "down".
	Command string `json:"command"`
	// Started is when the run began.
	Started time.Time `json:"started"`
	// Recorded is when the last event happened that the journal has.
	Recorded time.Time `json:"recorded"`
	// Parts is the number of tables, references and primary keys that have something to do.
	Parts int `json:"parts"`
	// PartsDone is the number of them that are done.
	PartsDone int `json:"parts_done"`
	// Done is the number of rows that this run filled so far.
	Done int64 `json:"done"`
	// Total is the estimated number of rows to fill, at least Done.
	Total int64 `json:"total"`
	// Percent is the progress, from 0 to 100.
	Percent int `json:"percent"`
	// Rate is the recent number of rows per second.
	Rate float64 `json:"rate"`
	// Left is the estimated remaining time, 0 if it is unknown.
	Left time.Duration `json:"left_ns"`
	// Tables lists what the run works on now, the oldest first.
	Tables []TableProgress `json:"tables,omitempty"`
	// Reason says why the run is slower or pauses; "" if it does not.
	Reason string `json:"reason,omitempty"`
	// Signal is the kind of Reason: request, impact, or a signal as --without-signal names it.
	Signal string `json:"signal,omitempty"`
	// Paused is true if the run pauses.
	Paused bool `json:"paused,omitempty"`
	// ReasonSince is when Reason began, or nil.
	ReasonSince *time.Time `json:"reason_since,omitempty"`
	// Impact is what the application feels, or nil while it is not measured.
	Impact *event.Impact `json:"impact,omitempty"`
	// Load is what the server does, or nil while it is not measured.
	Load *event.Load `json:"load,omitempty"`
	// Result is how the run ended, or nil if it has not recorded its end.
	Result *event.Result `json:"result,omitempty"`
}

// TableProgress is what a run does on a table, a reference or a primary key.
type TableProgress struct {
	// Table is the schema-qualified name; of a reference, with its column.
	Table string `json:"table"`
	// Phase is the phase to which the work leads.
	Phase string `json:"phase,omitempty"`
	// Step identifies the current step as the plan does; "" between steps.
	Step string `json:"step,omitempty"`
	// StepSince is when the step began, or nil.
	StepSince *time.Time `json:"step_since,omitempty"`
	// Activity is one line about the current work while no rows are filled, such as "building index: scanning table 40%".
	Activity string `json:"activity,omitempty"`
	// WaitingSince is when the work began to wait for a lock, or for the transactions of other sessions; nil if it does not wait.
	WaitingSince *time.Time `json:"waiting_since,omitempty"`
	// Done is the number of rows that were filled.
	Done int64 `json:"done"`
	// Total is the estimated number of rows to fill, at least Done.
	Total int64 `json:"total"`
	// Rate is the recent number of rows per second.
	Rate float64 `json:"rate"`
	// Left is the estimated remaining time, 0 if it is unknown.
	Left time.Duration `json:"left_ns"`
}

// Progress returns what the last run in the schema has recorded, or nil if no run has. While a run that holds the lease has not
// begun its work, it has no number yet. A later call on the same Migrator reads only later events.
func (m *Migrator) Progress(ctx context.Context) (_ *Progress, err error) {
	defer explain(ctx, "status", &err)
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return m.progress(ctx)
}

// following is the part of a run that earlier calls of Progress have read.
type following struct {
	mu   sync.Mutex
	runs journal.Follower
}

func (m *Migrator) progress(ctx context.Context) (*Progress, error) {
	m.following.mu.Lock()
	defer m.following.mu.Unlock()
	runs := &m.following.runs
	runs.Pool, runs.Schema, runs.Trusts = m.pool, m.scope.schemaName(), m.options.Permissions.TrustOwners
	found, err := runs.Read(ctx)
	if err != nil {
		return nil, fault.At(err, "", "journal")
	}
	if found.Lease == nil && found.State.Updated.IsZero() {
		return nil, nil
	}
	p := progressOf(found.State)
	if found.Lease == nil {
		return p, nil
	}
	p.Active = true
	if found.State.Updated.IsZero() { // its first events are not recorded yet
		p.Command, p.Started = found.Lease.Command, found.Lease.Since
	}
	return p, nil
}

// progressOf returns the progress of a run at the time of its last event.
func progressOf(s history.State) *Progress {
	p := &Progress{
		Run: s.Run, Command: s.Command, Started: s.Started, Recorded: s.Updated, Parts: s.Parts(), PartsDone: len(s.Finished),
		Done: s.Done(), Total: s.Total(), Percent: s.Percent(), Rate: s.Rate(), Left: s.Left(),
		Reason: s.Reason, Signal: s.Signal, Paused: s.Paused, Impact: s.Impact, Load: s.Load, Result: s.Result,
	}
	if s.Reason != "" {
		p.ReasonSince = &s.ReasonSince
	}
	for _, t := range s.Work {
		one := TableProgress{
			Table: t.Name, Phase: t.Goal, Activity: t.Activity(s.Updated), Done: t.Done, Total: t.Total, Rate: t.Rate, Left: t.Left,
		}
		if t.WaitsForLock {
			one.WaitingSince = &t.WaitsSince
		}
		if t.Step != nil {
			one.Step, one.StepSince = t.Step.ID, &t.Step.Started
		}
		p.Tables = append(p.Tables, one)
	}
	return p
}
