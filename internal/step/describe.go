package step

import "github.com/rekey-pg/rekey/internal/lock"

// ActionKind says how the statements of an action run.
type ActionKind string

// The kinds of actions.
const (
	InTransaction ActionKind = "transaction"  // all statements in one short transaction
	Outside       ActionKind = "concurrently" // CREATE, DROP or REINDEX INDEX CONCURRENTLY, outside a transaction
	Validation    ActionKind = "validation"   // VALIDATE CONSTRAINT in a transaction of its own
	Backfill      ActionKind = "backfill"     // batches, each a transaction
)

// Described is what a reader wants to know about an action besides its statements.
type Described struct {
	Kind    ActionKind
	Locks   []lock.Lock // in the order in which they are taken
	Journal []string    // what the journal keeps of it
}

// Describe describes an action.
func Describe(a Action) Described {
	d := &Described{Locks: lock.InOrder(a.Locked())}
	_ = a.Do(d) // a description does not fail
	return *d
}

// Change implements Performer.
func (d *Described) Change(c Change) error {
	d.Kind = InTransaction
	for _, r := range c.Records {
		d.Journal = append(d.Journal, r.String())
	}
	return nil
}

// Concurrently implements Performer.
func (d *Described) Concurrently(Concurrently) error {
	d.Kind = Outside
	return nil
}

// Validate implements Performer.
func (d *Described) Validate(Validate) error {
	d.Kind = Validation
	return nil
}

// Fill implements Performer.
func (d *Described) Fill(f Fill) error {
	d.Kind = Backfill
	d.Journal = []string{"with each batch, how far the filling of " + f.Target.String() + " is"}
	return nil
}

// String returns what the journal keeps, in words.
func (r Record) String() string {
	column := r.Table.String() + "." + r.Column
	switch r.Kind {
	case SaveCutoff:
		return "when " + column + " got its default"
	case SaveNoOriginal:
		return "that " + column + " did not exist before, so that down may drop it"
	default:
		return "no longer when " + column + " got its default"
	}
}
