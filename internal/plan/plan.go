// Package plan turns the catalogue of a schema and the user's settings into ordered steps, or into the reasons why they cannot
// run. It is pure. From the catalogue of a partly migrated schema it builds the same plan again.
package plan

import (
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
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

// Policy is what the user allows.
type Policy struct {
	SubscribersReady bool     // logical subscribers have the column already
	TrustOwners      []string // roles whose code may run with the role's rights
	FireTriggers     bool     // the application's triggers may fire during the backfill
	Values           Values
	SkipRefused      bool          // in a schema run: skip the tables that are refused
	Accept           []HazardName  // hazards that the user accepts
	Soak             time.Duration // how long a schema must have been switched before its integers end
	RenameKeys       bool          // the uuid columns get the names of the integers that have ended
	KeepID           bool          // the integer columns of the primary keys stay when the integers end
	Arbiter          Arbiter       // "" keeps what there is, and is ArbiterInteger for new indexes
}

// Input is everything that a plan is made from.
type Input struct {
	Scope
	Server    catalog.Server
	Schema    catalog.Schema
	Elsewhere []string // the schemas that have Reading.Evidence, or all other schemas
	Data      map[sqltext.Table]catalog.Data
	Parts     map[uint32]catalog.Data // by OID: of the tables of a tree that hold rows
	Adopted   map[sqltext.Table]bool  // the tables whose column existed before up, according to the journal
	EdgeRows  map[EdgeKey]EdgeRows
	// EdgeDefaults has the uuid of the parent row to which the default of an edge's integer column refers; "" if there is none.
	EdgeDefaults map[EdgeKey]string
	// EdgeFunctions has the functions that have the names of trigger functions of edges.
	EdgeFunctions map[sqltext.Table]catalog.TriggerFunction
	NoTriggers    bool                   // the role may not create trigger functions
	Overlaps      map[Reference]Overlap  // of samples of candidates
	IDSamples     map[Reference]IDSample // of samples of unsupported references, by child and column
	// Suspects has, by hazard, functions of the database whose text may contain such a statement; ConstraintUsers has, by the
	// name of a primary key, the functions whose text names it in ON CONFLICT ON CONSTRAINT.
	Suspects map[HazardName][]string
	// ColumnUsers has, by integer column, the functions whose text names it. It is read for phase contracted only.
	ColumnUsers map[ColumnKey][]string
	// IndexReads has the scans of indexes since the switch, by OID; SequenceUsers has the objects other than the owning column that
	// use a sequence, by its name.
	IndexReads      map[uint32]int64
	SequenceUsers   map[string][]string
	RowUsers        map[uint32][]string // by the OID of a table, the stored columns whose values hold rows of it
	ConstraintUsers map[sqltext.Table][]string
	Policy          Policy
	Direction       Direction
	Goal            Phase // the phase to reach; "" is Expanded on the way up and Integers on the way down
}

// State is how far a table is on the way up or down.
type State string

// The states of a table.
const (
	Pending    State = "pending"    // nothing is done: on the way up the column does not exist, on the way down it does
	Incomplete State = "incomplete" // on the way up: the column exists and something is missing
	Complete   State = "complete"   // nothing is left to do
	Absent     State = "absent"     // the table does not exist: a disabled module
	Refused    State = "refused"
	Skipped    State = "skipped" // not selected, or on the way down a column that up did not make
)

// Plan is an ordered list of steps, and the reasons why they cannot run.
type Plan struct {
	Direction   Direction
	Goal        Phase // see Input.Goal
	Profile     string
	SchemaName  string
	Column      string   // the column that each table gets
	Version     int      // the version recorded now; 0 without one
	From, To    int      // the versions before and after the migration
	VerifyOnly  bool     // the uuids are the primary keys already
	Keyed       string   // see VersionGoal
	Repair      string   // see VersionGoal
	Names       []string // of the tables, in order; of a profile's tables at this version
	Groups      []Group
	Absent      []string
	Relations   []Relation   // in a schema run: one entry for every relation
	Skipped     problem.List // why tables are skipped, with Policy.SkipRefused
	Refusals    problem.List
	Unknown     *problem.Problem // the version is above the last known one; rekey only reads the schema then
	Notes       []string
	Code        []Code        // the functions of the database that the run executes
	PrimaryKeys []PrimaryKey  // the primary keys of the tables, if the run is about them, or up has switched some
	Hazards     []Hazard      // of the primary keys that switch, or of the integers that end
	Endings     []Ending      // the integer columns that the run drops
	Links       []Link        // the references between the tables, if the run is about edges
	Candidates  []Candidate   // what may be references without a foreign key, for the user to name
	Unsupported []Unsupported // references that no run takes
	Server      catalog.Server
	Schema      catalog.Schema
	Data        map[sqltext.Table]catalog.Data
	Parts       map[uint32]catalog.Data
	EdgeRows    map[EdgeKey]EdgeRows

	values Values
}

// Group is the steps on one table, or the steps on the schema itself.
type Group struct {
	Table   sqltext.Table // the zero value for steps of the schema
	Target  step.Target   // of an edge: the child's uuid column
	Edge    *step.Edge    // nil for a table
	Key     *step.Key     // nil unless the group is about the primary key of the table
	Phase   Phase         // the phase to which the steps bring the table or the edge; "" for steps of the schema
	State   State
	Missing []string // what the table lacks, in words
	Kept    int64    // the number of values of another UUID version, which stay
	Order   Order
	Steps   []step.Step
	// Progress is how far an edge is; "" for a table.
	Progress EdgeState
	// Prepares says that a later group does the rest: the steps precede every drop of integers.
	Prepares bool

	requestProblems problem.List // settings for its values that it cannot have
	workload        *workload    // what it has to do, from the time when Build read it; nil until then
}

// workload is what a group has to do.
type workload struct {
	work  bool
	fills []step.Target // the tables that have rows to be filled
}

// String returns the name of what the group changes, for messages and events: the table, the edge, or "" for the schema.
func (g Group) String() string {
	switch {
	case g.Edge != nil:
		return g.Edge.String()
	case g.Key != nil:
		return g.Key.String()
	case g.Target.Table != "":
		return g.Target.String()
	default:
		return g.Table.Name
	}
}

// View returns what the steps of a group see at the time of planning.
func (p Plan) View(g Group) step.View {
	return ViewOf(p, g, p.Schema)
}

// ViewOf returns what the steps of a group see in a newer catalogue of the schema.
func ViewOf(p Plan, g Group, schema catalog.Schema) step.View {
	data, counted := p.Data[g.Table]
	if now, then := schema.Function, p.Schema.Function; now != nil && then != nil && now.OID == then.OID && now.SourceMD5 == then.SourceMD5 {
		now.Proof, now.OwnsTables, now.Original = then.Proof, then.OwnsTables, then.Original // only the survey calls the function, and knows all tables and libraries
	}
	view := step.View{Server: p.Server, Schema: schema, Table: schema.Named(g.Table), Data: data, Unfilled: true}
	if counted {
		view.Unfilled = data.Nulls
	}
	view.Filled = map[uint32]bool{}
	for oid, part := range p.Parts {
		view.Filled[oid] = !part.Nulls
	}
	if g.Edge != nil {
		p.setFilled(&view, *g.Edge)
	}
	return view
}

// Table returns a target's table, which is the group's or one below it; nil if it does not exist.
func (p Plan) Table(g Group, t step.Target) *catalog.Table {
	table := p.Schema.Named(g.Table)
	if table == nil || t.Root.Name == "" {
		return table
	}
	for _, one := range table.All() {
		if one.Schema == t.Schema && one.Name == t.Table {
			return one.WithoutBelow()
		}
	}
	return nil
}

// TableNamed returns a table of the group by its name, which is the group's or one below it; nil if it does not exist.
func (p Plan) TableNamed(g Group, name sqltext.Table) *catalog.Table {
	if table := p.Schema.Named(g.Table); table != nil {
		for _, one := range table.All() {
			if one.Named() == name {
				return one
			}
		}
	}
	return nil
}

// Actions returns what a step still has to do in the plan's direction.
func (p Plan) Actions(s step.Step, v step.View) []step.Action {
	if p.Direction == Down {
		return s.Undo(v)
	}
	return s.Apply(v)
}

// End returns the version that is recorded when the plan is done. A version beyond it, which a later migration of the
// application recorded, is kept.
func (p Plan) End() int {
	if p.Direction == Down && p.Goal.AtLeast(Expanded) {
		return p.Version
	}
	if p.Direction == Down {
		return min(p.From, p.Version)
	}
	return max(p.To, p.Version)
}

// Versioned reports whether the schema records a version, which covers all tables of the plan.
func (p Plan) Versioned() bool { return p.To != 0 }

// Pending reports whether the plan has anything to do.
func (p Plan) Pending() bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool { return p.workload(g).work })
}

// PendingTables returns the number of tables with something to do and an estimate of the rows to be filled.
func (p Plan) PendingTables() (tables int, rows int64) { return p.pending(p.Targets()) }

// PendingEdges is PendingTables for edges.
func (p Plan) PendingEdges() (edges int, rows int64) {
	return p.pending(slices.DeleteFunc(slices.Clone(p.Groups), func(g Group) bool { return g.Edge == nil || g.Prepares }))
}

// PendingKeys returns the number of primary keys with something to do.
func (p Plan) PendingKeys() int {
	keys, _ := p.pending(slices.DeleteFunc(slices.Clone(p.Groups), func(g Group) bool { return g.Key == nil }))
	return keys
}

func (p Plan) pending(groups []Group) (number int, rows int64) {
	for _, g := range groups {
		work, fill := p.Work(g)
		if work && !g.Prepares { // the group that ends the column counts
			number++
		}
		rows += fill
	}
	return number, rows
}

// Work reports whether a group has something to do and estimates the rows that it fills.
func (p Plan) Work(g Group) (work bool, rows int64) {
	found := p.workload(g)
	for _, t := range found.fills {
		rows += Rows(p.Table(g, t))
	}
	return found.work, rows
}

// Fills returns the tables of a group that have rows to be filled.
func (p Plan) Fills(g Group) []step.Target {
	return p.workload(g).fills
}

// workload returns what a group has to do. Build asks for it many times, so that a group keeps it: the actions of an edge are long
// texts.
func (p Plan) workload(g Group) workload {
	if g.workload != nil {
		return *g.workload
	}
	var found workload
	view := p.View(g)
	for _, s := range g.Steps {
		for _, a := range p.Actions(s, view) {
			found.work = true
			found.fills = append(found.fills, a.Fills()...)
		}
		// A drop of integers has no actions until an earlier group has prepared it.
		found.work = found.work || g.Phase == Contracted && !s.Check(view).Done
	}
	return found
}

// withTodo returns a group that has its steps, and keeps what it has to do.
func (p Plan) withTodo(g Group) Group {
	found := p.workload(g)
	g.workload = &found
	return g
}

// Rows returns the catalogue's estimate of the rows of a table and of all tables below it; never less than 0.
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

// Targets returns the groups of tables that get the column.
func (p Plan) Targets() []Group {
	var groups []Group
	for _, g := range p.Groups {
		if g.Target.Table != "" && g.Edge == nil && g.Key == nil {
			groups = append(groups, g)
		}
	}
	return groups
}

// Edges returns the groups that link edges.
func (p Plan) Edges() []Group {
	return slices.DeleteFunc(slices.Clone(p.Groups), func(g Group) bool { return g.Edge == nil || g.Phase == Contracted })
}

// Keys returns the groups that switch primary keys.
func (p Plan) Keys() []Group {
	return slices.DeleteFunc(slices.Clone(p.Groups), func(g Group) bool { return g.Key == nil || g.Phase == Contracted })
}
