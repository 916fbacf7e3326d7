package rekey

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Edge is a reference that rekey links: a foreign key, or a column without one that the caller named.
type Edge struct {
	// Table is the table with the integer column, without the schema.
	Table string `json:"table"`
	// Column is the integer column.
	Column string `json:"column"`
	// Parent is the table that it refers to, with its schema if that is another one.
	Parent string `json:"parent"`
	// Key is the column of the parent that it refers to.
	Key string `json:"key"`
	// State is the state of the edge, as of a table.
	State State `json:"state"`
	// Progress is what exists already.
	Progress EdgeState `json:"progress"`
	// Missing lists what an incomplete edge lacks.
	Missing []string `json:"missing,omitempty"`
	// Constraint is the name of the integer foreign key, "" for a reference without a constraint.
	Constraint string `json:"constraint,omitempty"`
	// UUIDColumn is the name of the new column.
	UUIDColumn string `json:"uuid_column,omitempty"`
	// UUIDConstraint is the name of the new foreign key, "" for a reference without a constraint.
	UUIDConstraint string `json:"uuid_constraint,omitempty"`
	// Triggers lists the names of the triggers that keep both columns equal.
	Triggers []string `json:"triggers,omitempty"`
	// Twins are the copies of the indexes that hold the integer column.
	Twins []IndexTwin `json:"twins,omitempty"`
	// Required is true if the new column becomes NOT NULL.
	Required bool `json:"required,omitempty"`
	// ChildFirst is true if a row may be written before the row that it refers to.
	ChildFirst bool `json:"child_first,omitempty"`
	// Cycle lists the tables that refer to each other in a cycle that the edge is part of; only its own table if it refers to
	// itself.
	Cycle []string `json:"cycle,omitempty"`
	// Notes are sentences about the edge that need attention.
	Notes []string `json:"notes,omitempty"`
	// InsertCost is how many times as long an INSERT takes as with the integer foreign key alone; 0 if it was not measured.
	InsertCost float64 `json:"insert_cost,omitempty"`
	// Rows is the estimated number of rows of the table.
	Rows int64 `json:"rows"`
	// Why says why the edge is skipped or refused.
	Why string `json:"why,omitempty"`
	// Hint says what would help a refused edge.
	Hint string `json:"hint,omitempty"`
}

// Name returns the edge as table.column.
func (e Edge) Name() string { return e.Table + "." + e.Column }

// EdgeState is what exists of an edge.
type EdgeState string

// The states of an edge, in order.
const (
	EdgeNone       EdgeState = "none"       // nothing
	EdgeWired      EdgeState = "wired"      // the column, and triggers that keep both columns equal from then on
	EdgeFilled     EdgeState = "filled"     // the values of the rows that existed before
	EdgeMirrored   EdgeState = "mirrored"   // a twin of every index that holds the integer column
	EdgeLinked     EdgeState = "linked"     // the foreign key, and NOT NULL where the integer column has it
	EdgeContracted EdgeState = "contracted" // the uuid column alone: the integer column has ended
)

// IndexTwin is a copy of an index with the uuid column in place of the integer one.
type IndexTwin struct {
	// Of is the name of the index that is copied.
	Of string `json:"of"`
	// Name is the name of the copy.
	Name string `json:"name"`
	// Unique is true if the copy is unique.
	Unique bool `json:"unique,omitempty"`
	// OfUnique is true if the copied index is unique, or was before the copy took its place. A copy that is not unique lets
	// INSERT .. ON CONFLICT name the copied index.
	OfUnique bool `json:"of_unique,omitempty"`
	// Moves is true if the copy is unique in place of the copied index, which becomes, or is, a plain one.
	Moves bool `json:"moves,omitempty"`
}

// Candidate is an integer column that may refer to a table without a foreign key. A run takes it only if it is named in
// [Schema.References].
type Candidate struct {
	// Table is the table with the column, without the schema.
	Table string `json:"table"`
	// Column is the integer column.
	Column string `json:"column"`
	// Parent is the table that it may refer to.
	Parent string `json:"parent"`
	// Why is the evidence: names, types, and how many values of a sample exist in the parent.
	Why string `json:"why"`
}

// UnsupportedReference is a column that refers to other tables in a way that no foreign key can. No run takes it.
type UnsupportedReference struct {
	// Table is the table with the column, without the schema.
	Table string `json:"table"`
	// Column is the column with the ids.
	Column string `json:"column"`
	// Kind is how the column refers to other tables.
	Kind UnsupportedKind `json:"kind"`
	// Parent is the table that it may refer to; "" if that is unknown, or if there are several.
	Parent string `json:"parent,omitempty"`
	// Why is the evidence: names, types, and what a sample of the rows shows.
	Why string `json:"why"`
}

// UnsupportedKind is how an unsupported reference refers to other tables.
type UnsupportedKind string

// The kinds of unsupported references.
const (
	Polymorphic UnsupportedKind = "polymorphic" // another column says to which table an id belongs
	IDArray     UnsupportedKind = "array"       // an array of ids
	IDDocument  UnsupportedKind = "json"        // ids in a JSON document
)

// insertCost is the time of an INSERT with an integer foreign key, its uuid column, triggers, index and foreign key, as a
// multiple of the time with the integer foreign key alone: 24.1 µs and 8.9 µs per row on PostgreSQL 18.
const insertCost = 2.7

// edges returns the references of a plan in its order, parents first.
func edges(p plan.Plan) (list []Edge) {
	for _, l := range p.Links {
		list = append(list, edgeOf(p, l))
	}
	return list
}

func edgeOf(p plan.Plan, l plan.Link) Edge {
	e := l.Edge
	doc := Edge{
		Table: nameIn(p, e.Child), Column: e.Column, Parent: nameIn(p, e.Parent), Key: e.Key, State: State(l.State), Progress: EdgeState(l.Progress),
		Missing: l.Missing, Constraint: e.Reference.Name, UUIDColumn: e.UUID, Required: e.Required, ChildFirst: e.ChildFirst, Notes: l.Notes, Why: l.Why, Hint: l.Hint,
	}
	if table := p.Schema.Named(e.Child.All()); table != nil {
		doc.Rows = plan.Rows(table)
	}
	for _, name := range l.Cycle {
		doc.Cycle = append(doc.Cycle, strings.TrimPrefix(name, p.SchemaName+"."))
	}
	if e.UUID == "" {
		return doc // it is no edge
	}
	doc.Triggers = e.TriggerNames()
	if e.Constrained() {
		doc.UUIDConstraint, doc.InsertCost = e.Constraint, insertCost
	}
	for _, twin := range e.Twins {
		if twin.Above == (sqltext.Table{}) { // the twins of partitions follow
			doc.Twins = append(doc.Twins, IndexTwin{Of: twin.Of, Name: twin.Name, OfUnique: twin.OfUnique, Unique: twin.Unique, Moves: twin.Moves})
		}
	}
	return doc
}

// nameIn returns a table's name, with its schema if that is not the plan's.
func nameIn(p plan.Plan, table sqltext.Table) string {
	if table.Schema == p.SchemaName {
		return table.Name
	}
	return table.String()
}

func edgeName(p plan.Plan, e step.Edge) string { return nameIn(p, e.Child) + "." + e.Column }

func candidates(p plan.Plan) (list []Candidate) {
	for _, c := range p.Candidates {
		list = append(list, Candidate{Table: c.Child, Column: c.Column, Parent: c.Parent, Why: strings.Join(c.Evidence, "; ")})
	}
	return list
}

func unsupported(p plan.Plan) (list []UnsupportedReference) {
	for _, u := range p.Unsupported {
		list = append(list, UnsupportedReference{Table: u.Child, Column: u.Column, Kind: UnsupportedKind(u.Kind), Parent: u.Parent, Why: strings.Join(u.Evidence, "; ")})
	}
	return list
}
