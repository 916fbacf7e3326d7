// Package step defines the steps of a migration, one per file. A step is a value. From a View of the database it computes
// the actions that are still missing on the way up, or still to be undone on the way down. It runs nothing.
package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
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

// View is the state of the database that a step sees: the catalogue and, for a RowReader, whether rows lack a value.
type View struct {
	Server   catalog.Server
	Schema   catalog.Schema
	Table    *catalog.Table  // the step's table; nil for a step without one, or if the table does not exist
	Unfilled bool            // a row has no value; set for a RowReader only
	Filled   map[uint32]bool // oids of the parts of a tree in which every row has a value; set for a RowReader only
	Data     catalog.Data    // counts of an existing column, made before the first step
}

// Relation returns a table that the view has; nil if it does not exist. An edge's view has both of its tables.
func (v View) Relation(name sqltext.Table) *catalog.Table { return v.Schema.Find(name.Schema, name.Name) }

// RowReader is a step that needs View.Unfilled or View.Filled, which costs a scan up to the first row to fill.
type RowReader interface {
	Step
	// Unfilled returns a query that returns a row while a table, one part of a tree, has rows to fill.
	Unfilled(table sqltext.Table) string
	// Stuck returns a query for the rows that can never be filled. Its one row has their number, as int8, and examples
	// of their keys, as text[]. It returns "" if there can be none.
	Stuck(table sqltext.Table) string
}

// Action is one operation on the database: a Change, Concurrently, Validate or Fill.
type Action interface {
	// Tables returns the tables that the action changes or reads, in no order; nil if there is none.
	Tables() []sqltext.Table
	// SQL returns the statements. It returns none for a Fill, whose statements package backfill makes.
	SQL() []string
	// SelfChecking reports whether the action may follow another of the same step without a new View: if the table was
	// altered, the action itself or its guard fails.
	SelfChecking() bool
}

// Change is a change of the catalogue. All statements run in one short transaction.
type Change struct {
	// Locks are the locks that the statements need, on at most two tables; nil if they alter no table.
	Locks      []lock.Lock
	Statements []string
	// Guard is a query that runs after the locks are taken. If it returns no row, the precondition of the change does not
	// hold any more, and none of the statements runs. "" is no guard.
	Guard string
}

// MergeChanges merges consecutive changes of one table into one transaction, so that the table is locked once. A change
// with a guard is not merged into the change before it.
func MergeChanges(actions []Action) []Action {
	var merged []Action
	for _, a := range actions {
		next, ok := a.(Change)
		if ok && len(merged) > 0 && next.Guard == "" {
			if last, ok := merged[len(merged)-1].(Change); ok && len(lock.Exclusive(next.Locks)) > 0 && last.covers(next) {
				last.Statements = append(slices.Clone(last.Statements), next.Statements...)
				merged[len(merged)-1] = last
				continue
			}
		}
		merged = append(merged, a)
	}
	return merged
}

// covers reports whether the locks of the change are all that the next one needs.
func (c Change) covers(next Change) bool {
	return slices.Equal(lock.InOrder(c.Locks), lock.InOrder(slices.Concat(c.Locks, next.Locks)))
}

// Concurrently is CREATE or DROP INDEX CONCURRENTLY, which cannot run in a transaction block.
type Concurrently struct {
	Table     sqltext.Table
	Index     string
	Column    string // of a unique index: the column whose duplicate values an error lists
	Build     bool   // CREATE, not DROP
	Statement string
}

// Validate validates a constraint in a transaction of its own.
type Validate struct {
	Table     sqltext.Table
	Statement string
}

// Fill gives a value to every row without one.
type Fill struct {
	Target Target
	Edge   *Edge // the values are the uuids of the edge's parent; nil for values of the target's own
}

// Tables implements Action.
func (c Change) Tables() []sqltext.Table {
	var tables []sqltext.Table
	for _, l := range c.Locks {
		tables = append(tables, l.Table.All())
	}
	return tables
}

// SQL implements Action.
func (c Change) SQL() []string { return c.Statements }

// SelfChecking implements Action.
func (c Change) SelfChecking() bool { return c.Guard != "" }

// Tables implements Action.
func (c Concurrently) Tables() []sqltext.Table { return []sqltext.Table{c.Table} }

// SQL implements Action.
func (c Concurrently) SQL() []string { return []string{c.Statement} }

// SelfChecking implements Action.
func (c Concurrently) SelfChecking() bool { return false }

// Tables implements Action.
func (v Validate) Tables() []sqltext.Table { return []sqltext.Table{v.Table} }

// SQL implements Action.
func (v Validate) SQL() []string { return []string{v.Statement} }

// SelfChecking implements Action.
func (v Validate) SelfChecking() bool { return true }

// Tables implements Action.
func (f Fill) Tables() []sqltext.Table { return []sqltext.Table{f.Target.Name()} }

// SQL implements Action.
func (f Fill) SQL() []string { return nil }

// SelfChecking implements Action.
func (f Fill) SelfChecking() bool { return false }
