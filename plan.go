package rekey

import (
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Plan is what Up or Down would do: the JSON of `rekey plan --json`.
type Plan struct {
	// FormatVersion is the version of the JSON, [event.FormatVersion].
	FormatVersion int `json:"format_version"`
	// Command is the direction that is planned.
	Command Direction `json:"command"`
	// Profile is the name of the profile, "" for a Schema.
	Profile string `json:"profile"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Version is the version that is recorded now, 0 without a profile.
	Version int `json:"version"`
	// ToVersion is the version that the run would record, 0 without a profile.
	ToVersion int `json:"to_version"`
	// Server is the version of PostgreSQL, such as "15.18".
	Server string `json:"server"`
	// Cluster is the Citus cluster of the database; nil without one.
	Cluster *Cluster `json:"cluster,omitempty"`
	// Database is the name of the database.
	Database string `json:"database"`
	// Role is the role that rekey connects as.
	Role string `json:"role"`
	// Fingerprint is equal for schemas whose plans are equal except for names and sizes. Only a [Planner] sets it.
	Fingerprint string `json:"fingerprint,omitempty"`
	// SameAs is the schema with an equal plan that has the Groups, Relations, Notes and Code that this plan
	// leaves out. Only a [Planner] sets it.
	SameAs string `json:"same_as,omitempty"`
	// NothingToDo is true if the run would change nothing, and nothing refuses it.
	NothingToDo bool `json:"nothing_to_do"`
	// VerifyOnly is true if the uuids are the primary keys already at this version.
	VerifyOnly bool `json:"verify_only,omitempty"`
	// Rows is the estimated number of rows to fill.
	Rows int64 `json:"rows"`
	// Groups are the steps in the order in which they run: one group for each table, one for each edge, and some for
	// the schema.
	Groups []Group `json:"groups"`
	// To is the phase that the run would end in, "" if the call does not name one.
	To Phase `json:"to,omitempty"`
	// Edges are the foreign keys, and the references that were named; nil unless the phase, or what exists, is Linked.
	Edges []Edge `json:"edges,omitempty"`
	// Candidates are columns that may refer to a table without a foreign key, if To is Linked.
	Candidates []Candidate `json:"candidates,omitempty"`
	// Unsupported are columns that refer to other tables and that no run takes, if To is Linked: polymorphic pairs, arrays and
	// JSON documents of ids.
	Unsupported []UnsupportedReference `json:"unsupported,omitempty"`
	// Keys are the primary keys of the tables; nil unless the phase, or what exists, is Switched or later.
	Keys []Key `json:"keys,omitempty"`
	// Hazards are what the run changes for statements of the application.
	Hazards []Hazard `json:"hazards,omitempty"`
	// Endings are the integer columns that the run drops, if To is Contracted.
	Endings []Ending `json:"endings,omitempty"`
	// Absent lists the tables of the profile that do not exist.
	Absent []string `json:"absent"`
	// Relations has an entry for every relation of a Schema that holds or shows rows; nil with a profile.
	Relations []Relation `json:"relations,omitempty"`
	// Skipped says why tables are skipped; see [Schema.SkipRefused].
	Skipped problem.List `json:"skipped,omitempty"`
	// Refusals says why the run would be refused before its first change; empty if it would not.
	Refusals problem.List `json:"refusals"`
	// Notes are sentences about things that need attention.
	Notes []string `json:"notes"`
	// Code lists the code of other owners that the run would execute.
	Code []Code `json:"code,omitempty"`
	// Forecast is what the run is expected to cost; nil if there is nothing to do, or if a [Planner] made the plan.
	Forecast *Forecast `json:"forecast,omitempty"`
	// Risks are why the run may be slow, stop, or fill the disk. They refuse nothing.
	Risks []Risk `json:"risks,omitempty"`
}

// State is the state of a table.
type State string

// The states of a table.
const (
	Pending    State = "pending"    // the column does not exist; on the way down: it is to be removed
	Incomplete State = "incomplete" // the column exists and something is missing
	Complete   State = "complete"   // nothing is missing; on the way down: nothing is left
	Absent     State = "absent"     // the table does not exist: a disabled module of a profile
	Refused    State = "refused"    // a check refuses the table
	Skipped    State = "skipped"    // the table is not worked on
)

// Group is what happens to one table, or to the schema.
type Group struct {
	// Table is the name without the schema, "" for steps of the schema.
	Table string `json:"table,omitempty"`
	// Edge is the table and column of an edge, "" if the group is of the table itself.
	Edge string `json:"edge,omitempty"`
	// Key is the table of a primary key, "" if the group is not about one.
	Key string `json:"key,omitempty"`
	// Phase is the phase to which the steps bring the table or the edge, "" for steps of the schema.
	Phase Phase `json:"phase,omitempty"`
	// State is the state of the table, of the edge or of the primary key, now.
	State State `json:"state,omitempty"`
	// Missing lists what an incomplete table lacks, such as "unique index".
	Missing []string `json:"missing,omitempty"`
	// Rows is the estimated number of rows of the table.
	Rows int64 `json:"rows,omitempty"`
	// Bytes is the size of the table without its indexes.
	Bytes int64 `json:"bytes,omitempty"`
	// Sharding says how the table is spread over the Cluster; nil for an ordinary table of its coordinator.
	Sharding *Sharding `json:"sharding,omitempty"`
	// Kept is the number of existing values of another UUID version; they stay.
	Kept int64 `json:"kept,omitempty"`
	// Order says how the rows get their values; nil if no rows are to be filled.
	Order *Order `json:"order,omitempty"`
	// Steps are in the order in which they run.
	Steps []Step `json:"steps"`
}

// Order says how the rows of a table get their values.
type Order struct {
	// Source says which time the values carry.
	Source OrderSource `json:"source"`
	// Column is the creation-time column. "" with Source "column" means key order.
	Column string `json:"column,omitempty"`
	// Type is the type of the column: timestamp, date, or an integer with its unit.
	Type string `json:"type,omitempty"`
	// Resolution is the resolution of the column's times.
	Resolution time.Duration `json:"resolution_ns,omitempty"`
	// Zone is the time zone in which the column is read.
	Zone string `json:"zone,omitempty"`
	// Key lists the columns that order rows of equal time; empty if there are none.
	Key []string `json:"key,omitempty"`
	// Why is a sentence about the choice.
	Why string `json:"why"`
	// TimeCounts counts rows without a usable time; nil if the table is too large to be read for a plan.
	TimeCounts *TimeCounts `json:"time_counts,omitempty"`
}

// OrderSource is where the times in the values of a table come from.
type OrderSource string

// The sources.
const (
	FromCreation  OrderSource = "column" // in the order of creation, or of the key if there is no Column
	FromMigration OrderSource = "now"    // every row has the time at which it was filled
	FromRandom    OrderSource = "random" // the values are of version 4
)

// TimeCounts counts the rows of a table whose time cannot be used as it is.
type TimeCounts struct {
	// Rows is the number of rows.
	Rows int64 `json:"rows"`
	// WithoutTime is the number of rows whose time is NULL.
	WithoutTime int64 `json:"without_time"`
	// Before1970 is the number of rows whose time is before 1970.
	Before1970 int64 `json:"before_1970"`
	// InTheFuture is the number of rows whose time is not before now, or infinite.
	InTheFuture int64 `json:"in_the_future"`
}

// Step is one step with the statements that would run now.
type Step struct {
	// ID identifies the step: "public.users/add-column".
	ID string `json:"id"`
	// Done is true if the step has nothing to do.
	Done bool `json:"done"`
	// What is a sentence about what the step does.
	What string `json:"what"`
	// Undo is a sentence about what undoes it.
	Undo string `json:"undo"`
	// Why is a sentence about its purpose.
	Why string `json:"why"`
	// Lock is the strongest table lock that it takes, in PostgreSQL's words.
	Lock string `json:"lock"`
	// Scans says what it reads of the table.
	Scans string `json:"scans"`
	// UndoneBy says which step undoes it: "by itself", "absorbed by an earlier step's" or "never".
	UndoneBy string `json:"undone_by"`
	// SQL lists the statements; for a backfill, only its first batch.
	SQL []string `json:"sql"`
	// Choice says how a backfill splits the table, and why.
	Choice string `json:"choice,omitempty"`
	// Actions say, in order, how the statements run.
	Actions []Action `json:"actions,omitempty"`
}

// Relation is one relation of a schema, and what a run does with it.
type Relation struct {
	// Table is the name without the schema.
	Table string `json:"table"`
	// Kind is the kind of relation, such as "table", "view" or "partitioned table".
	Kind string `json:"kind"`
	// State is Pending, Incomplete, Complete, Skipped or Refused.
	State State `json:"state"`
	// Missing lists what an incomplete table lacks.
	Missing []string `json:"missing,omitempty"`
	// Why says why the relation is skipped or refused.
	Why string `json:"why,omitempty"`
	// Hint says what would help a refused table.
	Hint string `json:"hint,omitempty"`
	// Unique says, for a table with partitions or children and for a distributed table, among which rows the values are unique.
	Unique string `json:"unique,omitempty"`
	// TimeColumn is the creation-time column, with the unit of an integer: "created (epoch milliseconds)".
	TimeColumn string `json:"time,omitempty"`
	// TimeCandidates lists columns that may hold the creation time if none was chosen.
	TimeCandidates []string `json:"time_candidates,omitempty"`
}

// Code is code of the database that a run executes, or uses as a default. Code of PostgreSQL itself, and code
// that is refused, is not listed.
type Code struct {
	// Runs is the function: "function app.f(text)".
	Runs string `json:"runs"`
	// Owner is the owner of the function.
	Owner string `json:"owner"`
	// Use says how the run uses it.
	Use CodeUse `json:"use"`
	// Callers lists what calls it: "constraint present on table app.t".
	Callers []string `json:"callers"`
	// As is the role whose rights it gets; "" for a default, which runs as the inserting role.
	As string `json:"as,omitempty"`
	// Why says why it is allowed: "--trust-owner app_owner", or what the owner is.
	Why string `json:"why,omitempty"`
}

// CodeUse is how a run uses code.
type CodeUse string

// The uses of code.
const (
	CodeEventTrigger CodeUse = "event trigger" // a catalogue change of the run fires it
	CodeCalled       CodeUse = "update"        // reading, altering or filling a table calls it
	CodeProof        CodeUse = "proof"         // called in a read-only transaction to see whether it makes UUIDv7
	CodeDefault      CodeUse = "default"       // the default of the new columns
)

// describe returns the plan as a document.
func describe(p plan.Plan, fill plan.FillDescriber) Plan {
	_, rows := p.PendingTables()
	doc := Plan{
		FormatVersion: event.FormatVersion, Command: Direction(p.Direction), Profile: p.Profile, Schema: p.SchemaName,
		Version: p.Version, ToVersion: p.End(), Server: p.Server.VersionText, Database: p.Server.Database,
		Cluster: clusterOf(p), Role: p.Server.Role.Name, NothingToDo: !p.Pending() && len(p.Refusals) == 0, VerifyOnly: p.VerifyOnly, Rows: rows,
		Groups: []Group{}, Absent: list(p.Absent), Relations: relations(p), Skipped: p.Skipped, Refusals: list(p.Refusals), Notes: list(p.Notes),
	}
	if p.Goal != "" {
		doc.To, doc.Edges, doc.Candidates, doc.Unsupported = Phase(p.Goal), edges(p), candidates(p), unsupported(p)
	}
	doc.Keys, doc.Hazards, doc.Endings = keys(p), hazards(p), endings(p)
	for _, c := range p.Code {
		doc.Code = append(doc.Code, Code{Runs: c.Runs, Owner: c.Owner, Use: CodeUse(c.Use), Callers: c.Callers, As: c.As, Why: c.Why})
	}
	for _, g := range p.Groups {
		doc.Groups = append(doc.Groups, group(p, g, fill))
	}
	return doc
}

func relations(p plan.Plan) (list []Relation) {
	for _, v := range p.Relations {
		list = append(list, Relation{
			Table: v.Table, Kind: v.Kind, State: State(v.State), Missing: v.Missing, Why: v.Why, Hint: v.Hint,
			Unique: v.Unique, TimeColumn: v.TimeColumn, TimeCandidates: v.TimeCandidates,
		})
	}
	return list
}

func group(p plan.Plan, g plan.Group, fill plan.FillDescriber) Group {
	doc := Group{Table: g.Table.Name, Phase: Phase(g.Phase), State: State(g.State), Missing: g.Missing, Kept: g.Kept, Steps: []Step{}}
	view := p.View(g)
	if g.Edge != nil {
		doc.Table, doc.Edge = nameIn(p, g.Edge.Child), edgeName(p, *g.Edge)
	}
	if g.Key != nil {
		doc.Key = g.Table.Name
	}
	if view.Table != nil && g.Target.Table != "" {
		doc.Rows, doc.Bytes, doc.Sharding = plan.Rows(view.Table), plan.Bytes(view.Table), shardingOf(view.Table)
	}
	if p.Direction == plan.Up && g.Order.Source == plan.AtRandom {
		doc.Order = orderOf(g.Order, nil)
	}
	for _, s := range g.Steps {
		actions := p.Actions(s, view)
		e := s.Explain()
		item := Step{
			ID: string(s.ID()), Done: len(actions) == 0, What: e.What, Undo: e.Undo, Why: e.Why, Lock: e.Lock, Scans: e.Scans, UndoneBy: string(e.UndoneBy),
			SQL: []string{},
		}
		for _, a := range actions {
			before := len(item.SQL)
			for _, t := range a.Fills() {
				describeFill(p, g, t, fill, &doc, &item)
			}
			item.SQL = append(item.SQL, a.SQL()...)
			item.Actions = append(item.Actions, actionOf(p, a, len(item.SQL)-before))
		}
		doc.Steps = append(doc.Steps, item)
	}
	return doc
}

// describeFill describes the backfill of one table. Each table of a tree has its own.
func describeFill(p plan.Plan, g plan.Group, t step.Target, fill plan.FillDescriber, doc *Group, item *Step) {
	filling := fill(g, t)
	item.SQL = append(item.SQL, filling.SQL...)
	if g.Edge != nil {
		item.Choice = filling.Choice
		return
	}
	values := orderOf(p.OrderOf(g, t, p.Table(g, t)), filling.Times)
	if doc.Order == nil {
		doc.Order = values
	}
	if t.Root.Name == "" {
		item.Choice = filling.Choice
		return
	}
	if item.Choice != "" {
		item.Choice += " "
	}
	item.Choice += t.String() + " (" + values.summary() + "): " + filling.Choice
}

func (o Order) summary() string {
	switch {
	case o.Source == FromRandom:
		return "random: " + o.Why
	case o.Source == FromCreation && o.Column != "":
		return "in the order of " + o.Column + ": " + o.Why
	case o.Source == FromCreation:
		return "in key order: " + o.Why
	}
	return "with the migration's time: " + o.Why
}

func orderOf(o plan.Order, times *plan.TimeCounts) *Order {
	doc := &Order{Source: OrderSource(o.Source), Key: o.Key, Why: o.Why}
	if times != nil {
		doc.TimeCounts = &TimeCounts{Rows: times.Rows, WithoutTime: times.Null, Before1970: times.Early, InTheFuture: times.Late}
	}
	if c := o.Column; c.Name != "" {
		doc.Column, doc.Type, doc.Resolution, doc.Zone = c.Name, string(c.Kind), time.Duration(c.Unit)*time.Microsecond, c.Zone
		if c.Kind == order.Timestamp && c.Zone == "" {
			doc.Zone = "UTC"
		}
	}
	return doc
}

// list returns an empty list for nil, so that the JSON has [] and never null.
func list[L ~[]T, T any](values L) L {
	if values == nil {
		return L{}
	}
	return values
}
