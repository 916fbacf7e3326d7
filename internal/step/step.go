// Package step defines the steps of a migration, one per file. A step is a value. From a View of the database it computes
// the actions that are still missing on the way up, or still to be undone on the way down. It runs nothing.
package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
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

// RowReader is a step that needs View.Unfilled or View.Filled, which costs a scan up to the first NULL.
type RowReader interface {
	Step
	ReadsRows() bool
}

// Action is one operation on the database: a Change, Concurrently, Validate or Fill.
type Action interface{ action() }

// Change is a change of the catalogue. All statements run in one short transaction, on one table at most.
type Change struct {
	Table      string // quoted, schema-qualified; "" if no table is locked
	Exclusive  bool   // takes ACCESS EXCLUSIVE on Table and on all tables below it
	Only       bool   // takes no lock on the tables below Table
	Statements []string
	// Guard is a query that runs after the lock is taken. If it returns no row, the precondition of the change does not
	// hold any more, and none of the statements runs. "" is no guard.
	Guard string
}

// SelfChecking reports whether an action may follow another of the same step without a new View: if the table was
// altered, the action itself or its guard fails.
func SelfChecking(a Action) bool {
	switch a := a.(type) {
	case Validate:
		return true
	case Change:
		return a.Guard != ""
	default:
		return false
	}
}

// MergeChanges merges consecutive changes of one table into one transaction, so that the table is locked once. A change
// with a guard is not merged into the change before it.
func MergeChanges(actions []Action) []Action {
	var merged []Action
	for _, a := range actions {
		next, ok := a.(Change)
		if ok && len(merged) > 0 && next.Guard == "" {
			if last, ok := merged[len(merged)-1].(Change); ok && last.Table == next.Table && last.Exclusive && next.Exclusive && (!last.Only || next.Only) {
				last.Statements = append(slices.Clone(last.Statements), next.Statements...)
				merged[len(merged)-1] = last
				continue
			}
		}
		merged = append(merged, a)
	}
	return merged
}

// Concurrently is CREATE or DROP INDEX CONCURRENTLY, which cannot run in a transaction block.
type Concurrently struct {
	Target Target
	Build  bool // CREATE, not DROP
	SQL    string
}

// Validate validates a constraint in a transaction of its own.
type Validate struct {
	Table string // quoted, schema-qualified
	SQL   string
}

// Fill gives a value to every row without one.
type Fill struct{ Target Target }

func (Change) action()       {}
func (Concurrently) action() {}
func (Validate) action()     {}
func (Fill) action()         {}

// Table returns the table of an action, quoted and schema-qualified; "" if it has none.
func Table(a Action) string {
	switch a := a.(type) {
	case Change:
		return a.Table
	case Concurrently:
		return a.Target.Relation()
	case Validate:
		return a.Table
	case Fill:
		return a.Target.Relation()
	default:
		return ""
	}
}

// SQL returns the statements of an action. It returns none for a Fill, whose statements package backfill makes.
func SQL(a Action) []string {
	switch a := a.(type) {
	case Change:
		return a.Statements
	case Concurrently:
		return []string{a.SQL}
	case Validate:
		return []string{a.SQL}
	default:
		return nil
	}
}
