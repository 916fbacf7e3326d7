// Package plan decides: catalogue × targets × policy → ordered steps, or the reasons why not. It is
// pure; a plan built anew from a half-migrated catalogue is the same plan.
package plan

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Direction is up or down.
type Direction string

// The directions.
const (
	Up   Direction = "up"
	Down Direction = "down"
)

// Policy is what the person allows.
type Policy struct {
	SubscribersReady bool     // logical subscribers have the column already
	TrustOwners      []string // whose code may run with the role's rights
	FireTriggers     bool     // the application's triggers may fire on the filling
	Values           Values
	SkipRefused      bool // without a profile: pass over the tables that are refused
}

// Situation is all that a plan is made of.
type Input struct {
	Server    catalog.Server
	Schema    catalog.Schema
	Elsewhere []string // the schemas that do have the version table; without a profile, the other schemas
	Data      map[string]catalog.Data
	Parts     map[uint32]catalog.Data // by oid: of the tables of a tree that hold rows
	Adopted   map[string]bool         // tables whose column the journal knows to have been there before up
	Profile   profile.Profile
	Selection *Selection // what is wanted of a schema without a profile; nil with one
	Policy    Policy
	Direction Direction
}

// State says how a table stands to its goal.
type State string

// The states of a table.
const (
	Pending    State = "pending"    // the column does not exist
	Incomplete State = "incomplete" // the column exists and something is missing
	Complete   State = "complete"   // nothing is missing
	Absent     State = "absent"     // the table does not exist: a disabled module
	Refused    State = "refused"
	Skipped    State = "skipped" // the table is not worked on
)

// Plan is an ordered list of steps, and what stands in their way.
type Plan struct {
	Direction  Direction
	Profile    string
	SchemaName string   // the schema
	Column     string   // what each table gets
	Version    int      // recorded now; 0 if none
	From, To   int      // of the version to be recorded
	VerifyOnly bool     // the uuids are the primary keys already
	Names      []string // of the profile's tables at this version, in order
	Groups     []Group
	Absent     []string
	Relations  []Relation   // without a profile: a line for every relation
	Skipped    problem.List // why tables were passed over, where that is allowed
	Refusals   problem.List
	Unknown    *problem.Problem // a version above the last one that is known: read, and never written
	Notes      []string
	Code       []Code // of the database that the run executes
	Server     catalog.Server
	Schema     catalog.Schema
	Data       map[string]catalog.Data
	Parts      map[uint32]catalog.Data

	values Values
}

// Group is the steps on one table, or those of the schema.
type Group struct {
	Table   string // bare name; "" for steps of the schema
	Target  step.Target
	State   State
	Missing []string // what is missing, in words
	Kept    int64    // values of another version that stay
	Order   Order
	Steps   []step.Step

	requestProblems problem.List // what was asked of its values and cannot be
}

// View is what the steps of a group see at the time of planning.
func (p Plan) View(g Group) step.View {
	return ViewOf(p, g, p.Schema)
}

// ViewOf is what the steps of a group see in a newer look at the schema.
func ViewOf(p Plan, g Group, schema catalog.Schema) step.View {
	data, counted := p.Data[g.Table]
	if now, then := schema.Function, p.Schema.Function; now != nil && then != nil && now.OID == then.OID && now.SourceMD5 == then.SourceMD5 {
		now.Proof, now.OwnsTables = then.Proof, then.OwnsTables // only the survey calls it, and knows all tables
	}
	view := step.View{Server: p.Server, Schema: schema, Table: schema.Relation(g.Table), Data: data, Unfilled: true}
	if counted {
		view.Unfilled = data.Nulls
	}
	view.Filled = map[uint32]bool{}
	for oid, part := range p.Parts {
		view.Filled[oid] = !part.Nulls
	}
	return view
}

// Table gives the table of a group that a target is about: the group's, or one below it; nil if it is gone.
func (p Plan) Table(g Group, t step.Target) *catalog.Table {
	table := p.Schema.Relation(g.Table)
	if table == nil || t.Root == "" {
		return table
	}
	for _, one := range table.All() {
		if one.Schema == t.Schema && one.Name == t.Table {
			return one.WithoutBelow()
		}
	}
	return nil
}

// Actions gives what a step still has to do in the plan's direction.
func (p Plan) Actions(s step.Step, v step.View) []step.Action {
	if p.Direction == Down {
		return s.Undo(v)
	}
	return s.Apply(v)
}

// End is the version that is recorded when the plan is done. One beyond the end of the way stays: a later migration of the kit
// recorded it.
func (p Plan) End() int {
	if p.Direction == Down {
		return min(p.From, p.Version)
	}
	return max(p.To, p.Version)
}

// Pending reports whether anything is to be done.
func (p Plan) Pending() bool {
	for _, g := range p.Groups {
		view := p.View(g)
		for _, s := range g.Steps {
			if len(p.Actions(s, view)) > 0 {
				return true
			}
		}
	}
	return false
}

// PendingTables counts the tables with something to do, and estimates the rows to be filled.
func (p Plan) PendingTables() (tables int, rows int64) {
	for _, g := range p.Groups {
		if g.Table == "" || g.Target.Table == "" {
			continue
		}
		work, fill := p.Work(g)
		if work {
			tables++
		}
		rows += fill
	}
	return tables, rows
}

// Work tells whether a group has something to do, and estimates the rows that it will fill.
func (p Plan) Work(g Group) (work bool, rows int64) {
	work, fills := p.work(g)
	for _, t := range fills {
		rows += Rows(p.Table(g, t))
	}
	return work, rows
}

// Fills are the tables of a group of which rows are to be filled.
func (p Plan) Fills(g Group) []step.Target {
	_, fills := p.work(g)
	return fills
}

func (p Plan) work(g Group) (work bool, fills []step.Target) {
	view := p.View(g)
	for _, s := range g.Steps {
		for _, a := range p.Actions(s, view) {
			work = true
			if fill, ok := a.(step.Fill); ok {
				fills = append(fills, fill.Target)
			}
		}
	}
	return work, fills
}

// Rows estimates the rows of a table and of all that is below it from the catalogue; never less than 0.
func Rows(t *catalog.Table) int64 {
	if t == nil {
		return 0
	}
	var rows float64
	for _, one := range t.All() {
		rows += max(one.Rows, 0)
	}
	return int64(rows)
}

// Bytes returns the size of a table and of all tables below it, without their indexes.
func Bytes(t *catalog.Table) int64 {
	var bytes int64
	for _, one := range t.All() {
		bytes += one.Bytes
	}
	return bytes
}

// Targets are the groups that are about a table of the profile.
func (p Plan) Targets() []Group {
	var groups []Group
	for _, g := range p.Groups {
		if g.Target.Table != "" {
			groups = append(groups, g)
		}
	}
	return groups
}
