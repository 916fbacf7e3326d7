package plan

import (
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Document is a plan for readers: the JSON of `rekey plan --json`.
type Document struct {
	FormatVersion int       `json:"schema"` // of the JSON
	Command       Direction `json:"command"`
	Profile       string    `json:"profile"`
	Schema        string    `json:"prefix"`
	Version       int       `json:"version"`    // recorded now
	ToVersion     int       `json:"to_version"` // to be recorded
	Server        string    `json:"server"`     // "15.18"
	Database      string    `json:"database"`
	Role          string    `json:"role"`
	// Fingerprint, of a plan among many, tells which have the same but for names and sizes; Like is the schema whose
	// plan says the rest, where this one is left out.
	Fingerprint string          `json:"fingerprint,omitempty"`
	SameAs      string          `json:"like,omitempty"`
	NothingToDo bool            `json:"nothing_to_do"`
	VerifyOnly  bool            `json:"verify_only,omitempty"`
	Rows        int64           `json:"rows"`   // to be filled, estimate
	Groups      []GroupDocument `json:"groups"` // in the order in which they run
	Absent      []string        `json:"absent"`
	Relations   []Relation      `json:"verdicts,omitempty"` // without a profile: a line for every relation
	Skipped     problem.List    `json:"skipped,omitempty"`  // why tables are passed over
	Refusals    problem.List    `json:"refusals"`
	Notes       []string        `json:"notes"`
	Code        []Code          `json:"code,omitempty"` // whose code runs as whom
}

// GroupDocument is what will happen to one table, or to the schema where Table is empty.
type GroupDocument struct {
	Table   string         `json:"table,omitempty"`
	State   State          `json:"state,omitempty"`
	Missing []string       `json:"lacks,omitempty"`
	Rows    int64          `json:"rows,omitempty"`  // estimate
	Bytes   int64          `json:"bytes,omitempty"` // of the table without its indexes
	Kept    int64          `json:"kept,omitempty"`  // values of another version that stay
	Order   *OrderDocument `json:"order,omitempty"` // how its rows are filled; of a table that is to be filled or has random values
	Steps   []StepDocument `json:"steps"`
}

// OrderDocument says how the rows of a table get their values.
type OrderDocument struct {
	Source     Source        `json:"source"`
	Column     string        `json:"column,omitempty"` // the creation-time column; without one the key alone orders
	Type       order.Kind    `json:"type,omitempty"`
	Resolution time.Duration `json:"resolution_ns,omitempty"`
	Zone       string        `json:"zone,omitempty"` // in which it is read
	Key        []string      `json:"key,omitempty"`  // with the source column: puts rows of one instant in order; none where nothing does
	Why        string        `json:"why"`
	TimeCounts *TimeCounts   `json:"counted,omitempty"` // nil where the table is too large to be read for a plan
}

// Times counts the rows of a table whose times are not taken as they are.
type TimeCounts struct {
	Rows  int64 `json:"rows"`
	Null  int64 `json:"without_time"`
	Early int64 `json:"before_1970"`
	Late  int64 `json:"in_the_future"` // not before now, or infinite
}

// StepDocument is one step with its statements as they would run now.
type StepDocument struct {
	ID   step.ID `json:"id"`
	Done bool    `json:"done"`
	step.Explanation
	SQL    []string `json:"sql"`
	Choice string   `json:"choice,omitempty"` // how the filling goes about it, and why
}

// Filling is what the engine tells a reader of the filling of one table.
type FillDescription struct {
	SQL    []string    // the statements of a batch
	Choice string      // regions, waves and batches, and why
	Times  *TimeCounts // nil where they were not counted
}

// Describer tells of the filling of a table; the engine supplies it.
type FillDescriber func(Group, step.Target) FillDescription

// Describe makes the document of a plan.
func (p Plan) Describe(fill FillDescriber) Document {
	_, rows := p.PendingTables()
	doc := Document{
		FormatVersion: event.FormatVersion, Command: p.Direction, Profile: p.Profile, Schema: p.SchemaName,
		Version: p.Version, ToVersion: p.End(), Server: p.Server.VersionText, Database: p.Server.Database,
		Role: p.Server.Role.Name, NothingToDo: !p.Pending(), VerifyOnly: p.VerifyOnly, Rows: rows,
		Groups: []GroupDocument{}, Absent: list(p.Absent), Relations: p.Relations, Skipped: p.Skipped, Refusals: list(p.Refusals), Notes: list(p.Notes), Code: p.Code,
	}
	for _, g := range p.Groups {
		doc.Groups = append(doc.Groups, p.describe(g, fill))
	}
	return doc
}

func (p Plan) describe(g Group, fill FillDescriber) GroupDocument {
	doc := GroupDocument{Table: g.Table, State: g.State, Missing: g.Missing, Kept: g.Kept, Steps: []StepDocument{}}
	view := p.View(g)
	if view.Table != nil && g.Target.Table != "" {
		doc.Rows, doc.Bytes = Rows(view.Table), size(view.Table)
	}
	if p.Direction == Up && g.Order.Source == AtRandom {
		doc.Order = g.Order.describe(nil)
	}
	for _, s := range g.Steps {
		actions := p.Actions(s, view)
		item := StepDocument{ID: s.ID(), Done: len(actions) == 0, Explanation: s.Explain(), SQL: []string{}}
		for _, a := range actions {
			if a, ok := a.(step.Fill); ok {
				p.describeFill(g, a.Target, fill, &doc, &item)
				continue
			}
			item.SQL = append(item.SQL, step.SQL(a)...)
		}
		doc.Steps = append(doc.Steps, item)
	}
	return doc
}

// describeFill tells of the filling of one table; of a tree, each goes about it in its own way.
func (p Plan) describeFill(g Group, t step.Target, fill FillDescriber, doc *GroupDocument, item *StepDocument) {
	filling := fill(g, t)
	item.SQL = append(item.SQL, filling.SQL...)
	values := p.OrderOf(g, t, p.Table(g, t)).describe(filling.Times)
	if doc.Order == nil {
		doc.Order = values
	}
	if t.Root == "" {
		item.Choice = filling.Choice
		return
	}
	how := "by the clock: " + values.Why
	switch {
	case values.Source == AtRandom:
		how = "at random: " + values.Why
	case values.Source == ByColumn && values.Column != "":
		how = "in the order of " + values.Column + ": " + values.Why
	case values.Source == ByColumn:
		how = "in the order of the key: " + values.Why
	}
	item.Choice = joined(item.Choice, t.String()+" ("+how+"): "+filling.Choice)
}

// Status is the version and the state of every table: the JSON of `rekey status --json`.
type Status struct {
	FormatVersion int           `json:"schema"` // of the JSON
	Profile       string        `json:"profile"`
	Schema        string        `json:"prefix"`
	Version       int           `json:"version"`
	VerifyOnly    bool          `json:"verify_only,omitempty"`
	Complete      bool          `json:"whole"` // every table that exists is
	Tables        []TableStatus `json:"tables"`
	Refusals      problem.List  `json:"refusals"`
	Notes         []string      `json:"notes,omitempty"`
	Running       *Running      `json:"running,omitempty"` // the run that is at work, if one is
}

// Running is a run that is at work, as it says of itself.
type Running struct {
	Command string        `json:"command"` // up, down
	Program string        `json:"program"` // rekey's version
	Host    string        `json:"host"`
	PID     int           `json:"pid"`
	Since   time.Time     `json:"since"`
	Silent  time.Duration `json:"silent_ns"` // since its last heartbeat

	Held      string     `json:"held,omitempty"` // why it stands still: it is paused, or a signal says so
	HeldSince *time.Time `json:"held_since,omitempty"`
}

// TableStatus is the state of one table.
type TableStatus struct {
	Table   string   `json:"table"`
	State   State    `json:"state"`
	Missing []string `json:"lacks,omitempty"`
	Marked  string   `json:"marked,omitempty"` // "found": the column was there before up
	Random  bool     `json:"random,omitempty"` // its values are of version 4, as was asked for
	Rows    int64    `json:"rows"`             // estimate
	Why     string   `json:"why,omitempty"`    // without a profile: it is left alone
	Unique  string   `json:"unique,omitempty"` // of a partitioned table or a parent: among which rows the values are unique
}

// Status is the version and the state of every table in the profile's order, absent ones too.
func (p Plan) Status() Status {
	status := Status{
		FormatVersion: event.FormatVersion, Profile: p.Profile, Schema: p.SchemaName, Version: p.Version,
		VerifyOnly: p.VerifyOnly, Complete: true, Tables: []TableStatus{}, Refusals: list(p.Refusals),
	}
	if p.Unknown != nil {
		status.Notes = p.Notes
	}
	groups := map[string]Group{}
	for _, g := range p.Targets() {
		groups[g.Table] = g
	}
	for _, name := range p.Names {
		item := TableStatus{Table: name, State: Absent}
		if g, ok := groups[name]; ok {
			item = p.status(g)
			status.Complete = status.Complete && item.State == Complete
		}
		status.Tables = append(status.Tables, item)
	}
	return p.withRelations(status)
}

func (p Plan) status(g Group) TableStatus {
	table := p.Schema.Relation(g.Table)
	item := TableStatus{Table: g.Table, State: g.State, Missing: g.Missing, Rows: Rows(table), Unique: Uniqueness(g.Target, table)}
	if origin, _ := g.Target.Read(table); origin == step.Found {
		item.Marked = "found"
	}
	item.Random = g.Target.Random()
	return item
}

// list gives an empty list for a nil one: JSON has [] where nothing is, never null.
func list[L ~[]T, T any](values L) L {
	if values == nil {
		return L{}
	}
	return values
}
