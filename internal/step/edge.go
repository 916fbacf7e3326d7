package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Edge is the goal of one foreign key: a uuid column of the child next to the integer one, kept equal by triggers, with a
// foreign key of its own onto the parent's uuid column.
//
// Each table of an inheritance tree is an edge of its own, the root first: triggers and foreign keys are not inherited.
type Edge struct {
	// Child is the table with the integer column, with Only if it belongs to an inheritance tree.
	Child sqltext.Table
	// Parent is the table that the column refers to, with Only unless it is partitioned: a foreign key does not see the
	// rows of tables that inherit from it.
	Parent sqltext.Table
	// Column is the child's integer column, and Key the parent's column that it refers to.
	Column, Key string
	// NotNull says that Column is NOT NULL.
	NotNull bool
	// UUID is the child's new column, and ParentUUID the parent's column that it refers to.
	UUID, ParentUUID string
	// Constraint is the name of the new foreign key.
	Constraint string
	// Check is the name of the temporary CHECK constraint that proves NOT NULL.
	Check string
	// Reference is the foreign key that the edge mirrors. Its Name is "" for a reference without a constraint, which gets
	// no foreign key: a new one would reject what the application writes today.
	Reference catalog.ForeignKey
	// Function is the name of the trigger function. It is in the child's schema, so that the table can be restored, and
	// written to, without rekey's own schema.
	Function sqltext.Table
	// Owner is the owner of the function: the owner of the parent, whose rights the look-up needs.
	Owner string
	// Row has the columns by which the AFTER trigger finds a row of the child. It is needed with ChildFirst only.
	Row []string
	// ParentIndex is the name of the unique index that a composite foreign key needs, on the parent's columns with
	// ParentUUID in place of Key; "" for a key of one column.
	ParentIndex string
	// Default is the default of Column, nil if it has none.
	Default *EdgeDefault
	// Twins are the indexes to build, one for each index that holds Column.
	Twins []IndexTwin
	// ChildFirst says that a child may be written before its parent, so that an AFTER trigger fills what the BEFORE
	// triggers could not, and that the columns cannot be NOT NULL.
	ChildFirst bool
	// Always says that the triggers fire in sessions of logical replication too (ENABLE ALWAYS).
	Always bool
	// Inherited says that the table above has the column, so that this table has it too.
	Inherited bool
	// Tree says that the child is partitioned.
	Tree bool
	// Required says that UUID becomes NOT NULL.
	Required bool
	// Ends says that the run drops Column, and first makes UUID NOT NULL as Column is, also with ChildFirst.
	Ends bool
	// Wired is the edge whose triggers keep the columns equal, if this one only describes another foreign key with them.
	Wired *Edge
}

// EdgeDefault is the constant default of an integer column.
type EdgeDefault struct {
	// Key is the default as an SQL expression.
	Key string
	// UUID is the uuid of the parent row that Key refers to, the default of the uuid column; "" if there is no such row.
	UUID string
}

// EdgePart is a pair of equal columns of a composite foreign key, in addition to Column and Key.
type EdgePart struct{ Child, Parent string }

// String returns the edge as schema.child.column, for messages and events.
func (e Edge) String() string { return e.Child.String() + "." + e.Column }

func (e Edge) id(verb string) ID { return ID(e.String() + "/" + verb) }

// SelfReference reports whether the child is the parent.
func (e Edge) SelfReference() bool { return e.Child.Same(e.Parent) }

// Constrained reports whether the edge mirrors a foreign key, not a reference without a constraint.
func (e Edge) Constrained() bool { return e.Reference.Name != "" }

// Parts returns the other columns of a composite foreign key, in order; nil if the key has one column.
func (e Edge) Parts() []EdgePart {
	var parts []EdgePart
	for i, c := range e.Reference.ChildColumns {
		if c != e.Column {
			parts = append(parts, EdgePart{Child: c, Parent: e.Reference.ParentColumns[i]})
		}
	}
	return parts
}

// ChildColumns returns the columns of the new foreign key, in the order of the one that it mirrors.
func (e Edge) ChildColumns() []string { return replaced(e.Reference.ChildColumns, e.Column, e.UUID) }

// ParentColumns returns the columns that the new foreign key refers to, in the same order.
func (e Edge) ParentColumns() []string {
	return replaced(e.Reference.ParentColumns, e.Key, e.ParentUUID)
}

func replaced(names []string, old, name string) []string {
	names = slices.Clone(names)
	if at := slices.Index(names, old); at >= 0 {
		names[at] = name
	}
	return names
}

// EdgeFunctions returns the two names that the trigger function of a child's column may have. Another edge's function may have
// the first one: the function of order.item_id has the name of order_item.id's.
func EdgeFunctions(child sqltext.Table, column string) []sqltext.Table {
	var names []sqltext.Table
	for _, pattern := range []string{"rekey_{table}_{column}", "rekey_{table}~{column}"} {
		names = append(names, sqltext.Table{Schema: child.Schema, Name: IndexName(pattern, child.Name, column)})
	}
	return names
}

// EdgeFunction returns the usual name of the trigger function of a child's column.
func EdgeFunction(child sqltext.Table, column string) sqltext.Table {
	return EdgeFunctions(child, column)[0]
}

// Trigger returns the name of a trigger of the edge: i before INSERT, u before UPDATE, l after both. Names that begin with
// ~, the last printable character, fire after the application's own triggers. The triggers of a composite key fire after
// those that fill its other columns.
func (e Edge) Trigger(kind string) string { return triggerName(e.Column, len(e.Parts()), kind) }

func triggerName(column string, parts int, kind string) string {
	return IndexName("~rekey"+strings.Repeat("~", parts)+"_{column}_"+kind, "", column)
}

// IsTriggerOf reports whether a trigger has a name that an edge on a column gives, with any number of other columns in its key.
func IsTriggerOf(name, column string) bool {
	after, ok := strings.CutPrefix(name, "~rekey")
	parts := len(after) - len(strings.TrimLeft(after, "~"))
	return ok && slices.ContainsFunc(triggerKinds(), func(kind string) bool { return name == triggerName(column, parts, kind) })
}

// TriggerNames returns the names of all triggers of the edge.
func (e Edge) TriggerNames() []string {
	names := []string{e.Trigger("i"), e.Trigger("u")}
	if e.ChildFirst {
		names = append(names, e.Trigger("l"))
	}
	return names
}

// EdgeSteps returns the steps of an edge, in the order of the way up.
func EdgeSteps(e Edge) []Step {
	steps := []Step{WireEdge{Edge: e}, FillEdge{Edge: e}}
	if e.ParentIndex != "" {
		steps = append(steps, BuildParentIndex{Edge: e})
	}
	if len(e.Twins) > 0 {
		steps = append(steps, MirrorIndexes{Edge: e})
	}
	if e.Constrained() {
		steps = append(steps, LinkEdge{Edge: e})
	}
	if e.Required {
		steps = append(steps, RequireUUID{Edge: e})
	}
	steps = append(steps, FinishEdge{Edge: e})
	if slices.ContainsFunc(e.Twins, func(t IndexTwin) bool { return t.OfUnique }) {
		steps = append(steps, MoveArbiter{Edge: e})
	}
	return steps
}

// Target returns the child's uuid column as a target.
func (e Edge) Target() Target {
	t := Target{Schema: e.Child.Schema, Table: e.Child.Name, Column: e.UUID, Check: e.Check, Only: e.Child.Only}
	if e.Tree {
		t.Pattern = "{table}_{column}_idx"
	}
	return t
}

// on returns a lock on the child and, if it is partitioned, on its partitions.
func (e Edge) on(mode lock.Mode) []lock.Lock { return []lock.Lock{lock.On(e.Child, mode)} }

// idents returns columns as a list for SQL, quoted.
func idents(columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = sqltext.Ident(c)
	}
	return strings.Join(quoted, ", ")
}
