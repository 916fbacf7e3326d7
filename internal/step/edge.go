package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Edge is the goal of one foreign key: a uuid column of the child next to the integer one, kept equal by triggers, with a
// foreign key of its own onto the parent's uuid column.
type Edge struct {
	Child  sqltext.Table
	Parent sqltext.Table
	// Column is the child's integer column, and Key the parent's column that it refers to.
	Column, Key string
	// UUID is the child's new column, and ParentUUID the parent's column that it refers to.
	UUID, ParentUUID string
	// Constraint is the name of the new foreign key.
	Constraint string
	// Reference is the foreign key that the edge mirrors. Its Name is "" for a reference without a constraint.
	Reference catalog.ForeignKey
	// Function is the name of the trigger function.
	Function sqltext.Table
	// Twins are the indexes to build, one for each index that holds Column.
	Twins []IndexTwin
	// ChildFirst says that a child may be written before its parent, so that an AFTER trigger fills what the BEFORE
	// triggers could not, and that the columns cannot be NOT NULL.
	ChildFirst bool
	// Always says that the triggers fire in sessions of logical replication too (ENABLE ALWAYS).
	Always bool
}

// IndexTwin is an index that holds the child's uuid column in place of the integer one.
type IndexTwin struct {
	Of   string // name of the index that it copies
	Name string
	// Unique says that the twin is unique, and Deferrable that it is a DEFERRABLE constraint, which cannot end the
	// application's INSERT .. ON CONFLICT with an error.
	Unique, Deferrable bool
	// Definition is the part of CREATE INDEX from USING on.
	Definition string
}

// String returns the edge as schema.child.column, for messages and events.
func (e Edge) String() string { return e.Child.String() + "." + e.Column }

func (e Edge) id(verb string) ID { return ID(e.String() + "/" + verb) }
