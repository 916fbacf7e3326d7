// Package step defines the steps of a migration, one per file. A step is a value. From a View of the database it computes
// the actions that are still missing on the way up, or still to be undone on the way down. It runs nothing.
package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// ID names a step within a plan: "public.users/add-column".
type ID string

// Step is one goal. Package steptest tests its laws on real servers: a step is idempotent, resumes after an interruption
// before any action with the same result, and is reversed by its undo.
type Step interface {
	// ID returns the name of the step, unique within a plan.
	ID() ID
	// Explain describes the step to a reader. It does not depend on the state of the database.
	Explain() Explanation
	// Check reports whether the goal is reached. It never examines auxiliary objects such as the CHECK.
	Check(View) Outcome
	// Apply returns the actions that are still missing, in order. After the first one the caller must take a new View,
	// unless the next action is SelfChecking.
	Apply(View) []Action
	// Undo returns the actions that are still needed to undo the step, in order.
	Undo(View) []Action
	// Rows returns how the step reads rows; nil if it reads none.
	Rows() RowReader
	// AfterApply returns the view after Apply's actions, computed without a server. It does not change v. Only scripts use
	// it: a script contains all statements of a plan before the first one runs.
	AfterApply(v View) View
	// AfterUndo returns the view after Undo's actions in the same way.
	AfterUndo(v View) View
	// ApplyScript returns the statements of a script on the way up: for every action of Apply, and for those that an
	// interruption of the script may make necessary. It returns none if nothing is to be done.
	ApplyScript(v View) []Statement
	// UndoScript returns the statements of a script on the way down in the same way.
	UndoScript(v View) []Statement
}

// UndoKind says how a step is undone.
type UndoKind string

// The three kinds of undo.
const (
	ByItself UndoKind = "by itself"
	Absorbed UndoKind = "absorbed by an earlier step's"
	Never    UndoKind = "never"
)

// Explanation is what a plan prints of a step.
type Explanation struct {
	What     string
	Undo     string // what its undo does
	Why      string
	Lock     string // the strongest lock, in PostgreSQL's words
	Scans    string // which rows it reads
	UndoneBy UndoKind
}

// Outcome is the result of Check.
type Outcome struct {
	Done   bool
	Reason string // what is missing; "" if Done
}

func done() Outcome                 { return Outcome{Done: true} }
func pending(reason string) Outcome { return Outcome{Reason: reason} }
func outcomeIf(ok bool, r string) Outcome {
	return map[bool]Outcome{true: done(), false: pending(r)}[ok]
}

// View is the state of the database that a step sees: the catalogue and, for a step that reads rows, whether rows lack a value.
type View struct {
	Server   catalog.Server
	Schema   catalog.Schema
	Table    *catalog.Table  // the step's table; nil for a step without one, or if the table does not exist
	Unfilled bool            // a row has no value; set for a step that reads rows only
	Filled   map[uint32]bool // oids of the parts of a tree in which every row has a value; set for a step that reads rows only
	Data     catalog.Data    // counts of an existing column, made before the first step
	Targets  []sqltext.Table // all tables of the plan that get the column, with those below them; set for scripts only
}

// Relation returns a table that the view has; nil if it does not exist. An edge's view has both of its tables.
func (v View) Relation(name sqltext.Table) *catalog.Table {
	return v.Schema.Find(name.Schema, name.Name)
}

// RowReader is how a step reads rows that needs View.Unfilled or View.Filled, which costs a scan up to the first row to
// fill.
type RowReader interface {
	// Unfilled returns a query that returns a row while a table, one part of a tree, has rows to fill.
	Unfilled(table sqltext.Table) string
	// Stuck returns a query for the rows that can never be filled. Its one row has their number, as int8, and examples
	// of their keys, as text[]. It returns "" if there can be none.
	Stuck(table sqltext.Table) string
}
