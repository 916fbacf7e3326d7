package step

import "github.com/rekey-pg/rekey/internal/sqltext"

// Key is the goal of one primary key: the uuid column takes the place of the integer one, which stays unique. Columns of the key
// that refer to other tables are replaced by the uuid columns of their edges.
type Key struct {
	// Table is the table, with Only if it belongs to an inheritance tree.
	Table sqltext.Table
	// Columns are the columns of the primary key of integers, in order.
	Columns []string
	// UUIDs are the columns of the new primary key, in the same order. A column that is no integer key stays.
	UUIDs []string
	// Constraint is the name of the primary key, which both have.
	Constraint string
	// Unique is the name of the unique index on Columns that up makes, to which the integer foreign keys move.
	Unique string
	// Tree says that the table is partitioned.
	Tree bool
}

// String returns the name of the goal, for messages and events.
func (k Key) String() string { return k.Table.String() + " primary key" }

func (k Key) id(verb string) ID { return ID(k.Table.String() + "/" + verb) }

// KeySteps returns the steps of a primary key, in the order of the way up.
func KeySteps(k Key) []Step { return nil }
