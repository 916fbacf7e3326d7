package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Action is one operation on the database: a Change, Concurrently, Validate or Fill.
type Action interface {
	// Tables returns the tables that the action changes or reads, in no order; nil if there is none.
	Tables() []sqltext.Table
	// SQL returns the statements. It returns none for a Fill, whose statements package backfill makes.
	SQL() []string
	// Locked returns the locks that the statements take, in no order.
	Locked() []lock.Lock
	// SelfChecking reports whether the action may follow another of the same step without a new View: if the table was
	// altered, the action itself or its guard fails.
	SelfChecking() bool
	// Atomic reports whether the action is one transaction.
	Atomic() bool
	// Scanned returns the table that the action reads from its first page to its last; the zero value for none.
	Scanned() sqltext.Table
	// Fills returns the targets whose rows the action fills; nil if it fills none.
	Fills() []Target
	// DroppedIndexes returns the names of the indexes that the action drops from its tables; nil if it drops none.
	DroppedIndexes() []string
	// Do calls the performer's method for the kind of action.
	Do(p Performer) error
}

// Performer runs actions, or writes them down. It has one method for each kind of action.
type Performer interface {
	Change(c Change) error
	Concurrently(c Concurrently) error
	Validate(v Validate) error
	Fill(f Fill) error
}

// Change is a change of the catalogue. All statements run in one short transaction.
type Change struct {
	// Locks are the locks that the statements need, on at most two tables; nil if they alter no table.
	Locks      []lock.Lock
	Statements []string
	// Guard is a query that runs after the locks are taken. If it returns no row, the precondition of the change does not
	// hold any more, and none of the statements runs. "" is no guard.
	Guard string
	// Early is a guard that runs before a lock that others wait for is taken, while the tables are locked in SHARE UPDATE EXCLUSIVE mode.
	// It is for queries that take long. "" is no guard.
	Early string
	// Dropped are the names of the indexes that the statements drop.
	Dropped []string
	// Records are what the journal keeps of the change. They are committed with it.
	Records []Record
}

// MergeChanges merges consecutive changes of one table into one transaction, so that the table is locked once. A change
// with a guard, early or not, is not merged into the change before it.
func MergeChanges(actions []Action) []Action {
	var merged []Action
	for _, a := range actions {
		next, ok := a.(Change)
		if ok && len(merged) > 0 && next.Guard == "" && next.Early == "" {
			if last, ok := merged[len(merged)-1].(Change); ok && len(lock.Exclusive(next.Locks)) > 0 && last.covers(next) {
				last.Statements = append(slices.Clone(last.Statements), next.Statements...)
				last.Dropped, last.Records = union(last.Dropped, next.Dropped), union(last.Records, next.Records)
				merged[len(merged)-1] = last
				continue
			}
		}
		merged = append(merged, a)
	}
	return merged
}

// union returns the values of both lists, each once.
func union[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, one := range b {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
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
	Rebuild   bool   // REINDEX, which replaces the index
	Invalid   bool   // DROP of an index that an interrupted build left; a session may still build it
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

// Locked implements Action.
func (c Change) Locked() []lock.Lock { return c.Locks }

// SQL implements Action.
func (c Change) SQL() []string { return c.Statements }

// SelfChecking implements Action.
func (c Change) SelfChecking() bool { return c.Guard != "" }

// Atomic implements Action.
func (Change) Atomic() bool { return true }

// Fills implements Action.
func (Change) Fills() []Target { return nil }

// Scanned implements [Action].
func (Change) Scanned() sqltext.Table { return sqltext.Table{} }

// DroppedIndexes implements Action.
func (c Change) DroppedIndexes() []string { return c.Dropped }

// Do implements Action.
func (c Change) Do(p Performer) error { return p.Change(c) }

// Tables implements Action.
func (c Concurrently) Tables() []sqltext.Table { return []sqltext.Table{c.Table} }

// Locked implements Action.
func (c Concurrently) Locked() []lock.Lock { return onlyOn(c.Table, lock.ShareUpdateExclusive) }

// SQL implements Action.
func (c Concurrently) SQL() []string { return []string{c.Statement} }

// SelfChecking implements Action.
func (c Concurrently) SelfChecking() bool { return false }

// Atomic implements Action.
func (Concurrently) Atomic() bool { return false }

// Fills implements Action.
func (Concurrently) Fills() []Target { return nil }

// Scanned implements [Action].
func (c Concurrently) Scanned() sqltext.Table {
	if c.Build || c.Rebuild {
		return c.Table
	}
	return sqltext.Table{}
}

// DroppedIndexes implements Action.
func (c Concurrently) DroppedIndexes() []string {
	if c.Build {
		return nil
	}
	return []string{c.Index}
}

// Do implements Action.
func (c Concurrently) Do(p Performer) error { return p.Concurrently(c) }

// Tables implements Action.
func (v Validate) Tables() []sqltext.Table { return []sqltext.Table{v.Table} }

// Locked implements Action.
func (v Validate) Locked() []lock.Lock { return onlyOn(v.Table, lock.ShareUpdateExclusive) }

// SQL implements Action.
func (v Validate) SQL() []string { return []string{v.Statement} }

// SelfChecking implements Action.
func (v Validate) SelfChecking() bool { return true }

// Atomic implements Action.
func (Validate) Atomic() bool { return true }

// Fills implements Action.
func (Validate) Fills() []Target { return nil }

// Scanned implements [Action].
func (v Validate) Scanned() sqltext.Table { return v.Table }

// DroppedIndexes implements Action.
func (Validate) DroppedIndexes() []string { return nil }

// Do implements Action.
func (v Validate) Do(p Performer) error { return p.Validate(v) }

// Tables implements Action.
func (f Fill) Tables() []sqltext.Table { return []sqltext.Table{f.Target.Name()} }

// Locked implements Action.
func (f Fill) Locked() []lock.Lock { return onlyOn(f.Target.Name(), lock.RowExclusive) }

// SQL implements Action.
func (f Fill) SQL() []string { return nil }

// SelfChecking implements Action.
func (f Fill) SelfChecking() bool { return false }

// Atomic implements Action.
func (Fill) Atomic() bool { return false }

// Fills implements Action.
func (f Fill) Fills() []Target { return []Target{f.Target} }

// Scanned implements [Action].
func (Fill) Scanned() sqltext.Table { return sqltext.Table{} }

// DroppedIndexes implements Action.
func (Fill) DroppedIndexes() []string { return nil }

// Do implements Action.
func (f Fill) Do(p Performer) error { return p.Fill(f) }

// onlyOn returns a lock on one table without the tables below it.
func onlyOn(table sqltext.Table, mode lock.Mode) []lock.Lock {
	table.Only = true
	return []lock.Lock{lock.On(table, mode)}
}
