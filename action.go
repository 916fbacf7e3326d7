package rekey

import (
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// Action is one change of a step: a transaction, a concurrent build, a validation or a backfill.
type Action struct {
	// Kind says how the statements run.
	Kind ActionKind `json:"kind"`
	// Statements is the number of statements of the step's SQL that belong to the action.
	Statements int `json:"statements"`
	// Locks lists the table locks that it takes, in the order in which it takes them.
	Locks []TableLock `json:"locks,omitempty"`
	// Journal lists what the journal keeps of it, in words.
	Journal []string `json:"journal,omitempty"`
}

// ActionKind says how the statements of an action run.
type ActionKind string

// The kinds of actions.
const (
	ActionTransaction  ActionKind = "transaction"  // all statements in one short transaction
	ActionConcurrently ActionKind = "concurrently" // CREATE, DROP or REINDEX INDEX CONCURRENTLY, outside a transaction
	ActionValidation   ActionKind = "validation"   // VALIDATE CONSTRAINT in a transaction of its own
	ActionBackfill     ActionKind = "backfill"     // batches, each a transaction
)

// TableLock is a lock on one table.
type TableLock struct {
	// Table is the table with its schema.
	Table string `json:"table"`
	// Below is true if all tables below it, partitions or children, are locked too.
	Below bool `json:"below,omitempty"`
	// Mode is the mode in PostgreSQL's words: "ACCESS EXCLUSIVE".
	Mode string `json:"mode"`
	// Waiting says which sessions of the application wait while the lock is requested or held: "readers and writers",
	// "writers", or "" for none.
	Waiting string `json:"waiting,omitempty"`
}

// actionOf describes an action that has a number of statements.
func actionOf(p plan.Plan, a step.Action, statements int) Action {
	d := step.Describe(a)
	doc := Action{Kind: ActionKind(d.Kind), Statements: statements, Journal: d.Journal}
	for _, l := range d.Locks {
		table := p.Schema.Named(l.Table.All())
		doc.Locks = append(doc.Locks, TableLock{
			Table: l.Table.All().String(), Mode: string(l.Mode), Waiting: l.Mode.Waiting(), Below: !l.Table.Only && table != nil && table.IsTree(),
		})
	}
	return doc
}
