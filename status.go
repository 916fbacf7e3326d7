package rekey

import (
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Status is the state of every table of a scope: the JSON of `rekey status --json`.
type Status struct {
	// FormatVersion is the version of the JSON, [event.FormatVersion].
	FormatVersion int `json:"format_version"`
	// Profile is the name of the profile, "" for a Schema.
	Profile string `json:"profile"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Version is the version that is recorded, 0 without a profile.
	Version int `json:"version"`
	// VerifyOnly is true if the uuids are the primary keys already at this version.
	VerifyOnly bool `json:"verify_only,omitempty"`
	// Complete is true if every selected table that exists is complete, and the schema could be read.
	Complete bool `json:"complete"`
	// Phase is the last phase that every selected table has reached.
	Phase Phase `json:"phase"`
	// Tables has an entry for each table, absent and skipped ones too.
	Tables []TableStatus `json:"tables"`
	// Edges has an entry for each foreign key, and for each reference that was named or linked; nil while none has
	// anything of phase Linked.
	Edges []Edge `json:"edges,omitempty"`
	// Keys has an entry for the primary key of each table; nil while up has not begun to switch one.
	Keys []Key `json:"keys,omitempty"`
	// Refusals says what would refuse a run.
	Refusals problem.List `json:"refusals"`
	// Notes are sentences about a recorded version that is not known.
	Notes []string `json:"notes,omitempty"`
	// Running is the run that holds the lease of the schema, or nil.
	Running *ActiveRun `json:"running,omitempty"`
	// Progress is what the last run has recorded of its work, if it has not ended: it is active, or its process was killed;
	// else nil.
	Progress *Progress `json:"progress,omitempty"`
}

// ActiveRun is a run that holds the lease of a schema.
type ActiveRun struct {
	// Command is "up" or "down".
	Command string `json:"command"`
	// Program is the version of rekey that runs it.
	Program string `json:"program"`
	// Host is the name of its machine.
	Host string `json:"host"`
	// PID is its process ID.
	PID int `json:"pid"`
	// Since is when it began.
	Since time.Time `json:"since"`
	// Silent is the time since its last heartbeat.
	Silent time.Duration `json:"silent_ns"`
	// PausedBy says why the run pauses: a request, or a signal; "" if it does not.
	PausedBy string `json:"paused_by,omitempty"`
	// PausedSince is when the pause began, or nil.
	PausedSince *time.Time `json:"paused_since,omitempty"`
}

// TableStatus is the state of one table.
type TableStatus struct {
	// Table is the name without the schema.
	Table string `json:"table"`
	// State is the state of the table.
	State State `json:"state"`
	// Phase is the phase of the table; "" if it is skipped or absent. It is Linked if the table refers to others, and all
	// of these edges are linked.
	Phase Phase `json:"phase,omitempty"`
	// Missing lists what an incomplete table lacks.
	Missing []string `json:"missing,omitempty"`
	// Found is true if the column existed before up.
	Found bool `json:"found,omitempty"`
	// Random is true if the values are of version 4, as requested.
	Random bool `json:"random,omitempty"`
	// Rows is the estimated number of rows.
	Rows int64 `json:"rows"`
	// Why says why a table is skipped.
	Why string `json:"why,omitempty"`
	// Unique says, for a table with partitions or children and for a distributed table, among which rows the values are unique.
	Unique string `json:"unique,omitempty"`
}

// statusOf returns the state of the profile's tables in its order, or of all relations of a schema.
func statusOf(p plan.Plan) Status {
	status := Status{
		FormatVersion: event.FormatVersion, Profile: p.Profile, Schema: p.SchemaName, Version: p.Version,
		VerifyOnly: p.VerifyOnly, Complete: len(p.Names) > 0 || len(p.Refusals) == 0, Tables: []TableStatus{}, Refusals: list(p.Refusals),
	}
	if p.Unknown != nil {
		status.Notes = p.Notes
	}
	groups := map[string]plan.Group{}
	for _, g := range p.Targets() {
		groups[g.Table.Name] = g
	}
	known := map[string]bool{}
	for _, name := range p.Names {
		known[name] = true
		item := TableStatus{Table: name, State: Absent}
		if g, ok := groups[name]; ok {
			item = tableStatus(p, g)
			status.Complete = status.Complete && item.State == Complete
		} else if table := p.Schema.Relation(name); table != nil {
			item.State, item.Rows = Refused, plan.Rows(table)
		}
		status.Tables = append(status.Tables, item)
	}
	for _, v := range p.Relations {
		if State(v.State) == Skipped && !known[v.Table] {
			status.Tables = append(status.Tables, TableStatus{Table: v.Table, State: Skipped, Why: v.Why, Rows: plan.Rows(p.Schema.Relation(v.Table))})
		}
	}
	status.addPhases(p)
	return status
}

// addPhases sets the phases of the schema and of its tables.
func (s *Status) addPhases(p plan.Plan) {
	s.Edges, s.Keys = edges(p), keys(p)
	var tables []plan.State
	for i := range s.Tables {
		t := &s.Tables[i]
		if t.State == Skipped || t.State == Absent {
			continue
		}
		tables = append(tables, plan.State(t.State))
		t.Phase = Phase(plan.PhaseOf([]plan.State{plan.State(t.State)}, s.statesOfEdges(t.Table), keysOf(p, t.Table)))
	}
	if !s.Complete {
		tables = append(tables, plan.Incomplete)
	}
	s.Phase = Phase(plan.PhaseOf(tables, s.statesOfEdges(""), keysOf(p, "")))
}

// keysOf returns the primary key of a table, or of all tables for "".
func keysOf(p plan.Plan, table string) []plan.PrimaryKey {
	var keys []plan.PrimaryKey
	for _, k := range p.PrimaryKeys {
		if table == "" || k.Key.Table.Name == table {
			keys = append(keys, k)
		}
	}
	return keys
}

// statesOfEdges returns the states of the edges of a table, of all tables for "".
func (s *Status) statesOfEdges(table string) []plan.State {
	var states []plan.State
	for _, e := range s.Edges {
		if table == "" || e.Table == table {
			states = append(states, plan.State(e.State))
		}
	}
	return states
}

func tableStatus(p plan.Plan, g plan.Group) TableStatus {
	table := p.Schema.Named(g.Table)
	origin, _ := g.Target.Read(table)
	return TableStatus{
		Table: g.Table.Name, State: State(g.State), Missing: g.Missing, Rows: plan.Rows(table), Unique: plan.Uniqueness(g.Target, table),
		Found: origin == step.Found, Random: g.Target.Random(),
	}
}
