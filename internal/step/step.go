// Package step holds the verbs of a migration, one a file. A step is a value that looks at a View of
// the database and says what is still missing on the way up, or still to be taken away on the way
// down. It runs nothing.
package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// ID names a step within a plan: "public.users/add-column".
type ID string

// Step is one goal. Its laws, proved on real servers by package steptest: idempotent, resumable after
// a cut before any action, confluent, and mirrored by its undo.
type Step interface {
	ID() ID
	// Explain tells a reader what the step does; it does not depend on the state of the database.
	Explain() Explanation
	// Check tells whether the goal is reached. It looks at the goal, never at scaffolding.
	Check(View) Outcome
	// Apply gives the actions that are still missing, in order. Only the first is to be run before
	// asking again: the view may have changed.
	Apply(View) []Action
	// Undo gives the actions that still have to be taken away, in order.
	Undo(View) []Action
}

// Undone says who takes a step back.
type UndoKind string

// The three kinds of undo.
const (
	ByItself UndoKind = "by itself"
	Absorbed UndoKind = "absorbed by an earlier step's"
	Never    UndoKind = "never"
)

// Explanation is what a plan prints of a step.
type Explanation struct {
	What   string `json:"what"`
	Undo   string `json:"back"` // what its undo does
	Why    string `json:"why"`
	Lock   string `json:"lock"`  // the strongest one, in PostgreSQL's words
	Scans  string `json:"scans"` // what it reads of the table
	UndoneBy UndoKind `json:"undone"`
}

// Verdict is the answer of Check.
type Outcome struct {
	Done   bool
	Reason string // what is missing, when it is not done
}

func done() Outcome                  { return Outcome{Done: true} }
func pending(reason string) Outcome  { return Outcome{Reason: reason} }
func outcomeIf(ok bool, r string) Outcome { return map[bool]Outcome{true: done(), false: pending(r)}[ok] }

// View is what a step sees: the catalogue now and, for the steps that ask, one fact about the rows.
type View struct {
	Server   catalog.Server
	Schema   catalog.Schema
	Table    *catalog.Table  // the step's table; nil for a step that has none
	Unfilled bool            // a row without a value is there; only set for a step that Reads
	Filled     map[uint32]bool // by oid: the parts of a tree that have no row without a value; the same
	Data     catalog.Data    // what was counted of a column that was found, at the start
}

// Reader is a step that needs View.Unfilled, which costs a scan that ends at the first NULL.
type RowReader interface {
	Step
	ReadsRows() bool
}

// Action is one thing to be run, the closed set that the executor knows.
type Action interface{ action() }

// Change is a catalogue change: all its statements in one short transaction, on one table at most.
type Change struct {
	Table      string // quoted, schema-qualified; "" if no table is locked
	Exclusive  bool   // takes ACCESS EXCLUSIVE on Table, and on all that is below it
	Only       bool   // not on what is below it
	Statements []string
	// Guard is a query that is asked behind the lock: where it returns no row, what the change relies on is gone, and
	// none of the statements is run. "" asks nothing.
	Guard string
}

// Sure reports whether an action may follow another of the same step without an inspection in between: it fails by
// itself, or by its guard, where the table was altered.
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

// Join puts changes of one table that follow each other into one transaction, so that the table is locked once.
func MergeChanges(actions []Action) []Action {
	var joined []Action
	for _, a := range actions {
		next, ok := a.(Change)
		if ok && len(joined) > 0 && next.Guard == "" {
			if last, ok := joined[len(joined)-1].(Change); ok && last.Table == next.Table && last.Exclusive && next.Exclusive && (!last.Only || next.Only) {
				last.Statements = append(slices.Clone(last.Statements), next.Statements...)
				joined[len(joined)-1] = last
				continue
			}
		}
		joined = append(joined, a)
	}
	return joined
}

// Concurrently is a statement that cannot run in a transaction: CREATE or DROP INDEX CONCURRENTLY.
type Concurrently struct {
	Target Target
	Build  bool
	SQL    string
}

// Validate proves a constraint over the rows that are there, in a transaction of its own.
type Validate struct {
	Table string // quoted, schema-qualified
	SQL   string
}

// Fill gives every row without a value one.
type Fill struct{ Target Target }

func (Change) action()       {}
func (Concurrently) action() {}
func (Validate) action()     {}
func (Fill) action()         {}

// Table is the table that an action is on, quoted and schema-qualified; "" if it is on none.
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

// SQL gives the statements of an action for a reader; those of a Fill are made by the backfill.
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
