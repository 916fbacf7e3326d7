package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Target is one table, its column, and the names of the objects that up makes.
type Target struct {
	Schema, Table string
	Column        string
	Index         string
	// Aliases are the names of further such indexes that later versions of an application make. Down drops them too.
	Aliases []string
	// Check is the name of the temporary CHECK constraint that proves NOT NULL.
	Check string
	// Function is the column's default.
	Function sqltext.Table
	// KeepsMark says that a made column keeps its mark when it is complete, because nothing else identifies it.
	KeepsMark bool
	// Keys are the columns, in addition to Column, that a unique index of a partitioned table must have: the partition
	// keys of all levels.
	Keys []string
	// Pattern is the IndexName pattern for the tables below; "" if the table is no tree.
	Pattern string
	// Root is the root if the table is below another one. The mark of the root's column counts for it.
	Root sqltext.Table
	// Only excludes the tables that inherit from the table.
	Only bool
}

// Relation returns the quoted, schema-qualified name of the table.
func (t Target) Relation() string { return sqltext.Qualified(t.Schema, t.Table) }

// String returns schema.table without quotes.
func (t Target) String() string { return t.Schema + "." + t.Table }

// exclusive returns the lock of a change that blocks readers and writers for an instant.
func (t Target) exclusive() []lock.Lock {
	return []lock.Lock{lock.On(t.Name(), lock.AccessExclusive)}
}

// exclusiveOnly is exclusive without the tables below the target.
func (t Target) exclusiveOnly() []lock.Lock {
	name := t.Name()
	name.Only = true
	return []lock.Lock{lock.On(name, lock.AccessExclusive)}
}

// ownLock is exclusiveOnly for a target that excludes the tables that inherit from it, else exclusive.
func (t Target) ownLock() []lock.Lock { return []lock.Lock{lock.On(t.Rows(), lock.AccessExclusive)} }

// shared returns the lock of a change that blocks no reader or writer.
func (t Target) shared() []lock.Lock {
	return []lock.Lock{lock.On(t.Name(), lock.ShareUpdateExclusive)}
}

func (t Target) id(verb string) ID { return ID(t.String() + "/" + verb) }

// Name returns the name of the table for sqltext.Format.
func (t Target) Name() sqltext.Table { return sqltext.Table{Schema: t.Schema, Name: t.Table} }

// Rows returns the name of the table for statements on its own rows, without rows of its children.
func (t Target) Rows() sqltext.Table {
	return sqltext.Table{Schema: t.Schema, Name: t.Table, Only: t.Only}
}

// HasDefault reports whether the column's default only calls the target's function. In a schema run uuidv7() of
// PostgreSQL 18 is accepted too.
func (t Target) HasDefault(c *catalog.Column) bool {
	return t.CallsFunction(c) || (t.KeepsMark && !t.Random() && c.Calls == "" && c.Default == "uuidv7()")
}

// CallsFunction reports whether the column's default only calls the target's function.
func (t Target) CallsFunction(c *catalog.Column) bool {
	return c.Calls == sqltext.Qualified(t.Function.Schema, t.Function.Name)
}

// HasIndex reports whether the table has the target's index, valid and unique, with exactly its columns. For a tree, each
// table that holds rows must have one.
func (t Target) HasIndex(table *catalog.Table) bool {
	if table.IsTree() {
		return t.treeHasIndex(table)
	}
	i := table.Index(t.Index)
	return i != nil && t.Serves(i)
}

// Serves reports whether an index of any name can replace the target's index.
func (t Target) Serves(i *catalog.Index) bool { return i.Valid && i.Immediate && t.IndexFits(i) }

// HasEquivalentIndex reports whether the table has an index that serves, under any name: later versions of an application
// rename tables and keep the names of their indexes.
func (t Target) HasEquivalentIndex(table *catalog.Table) bool {
	return t.HasIndex(table) || !table.IsTree() && slices.ContainsFunc(table.Indexes, func(i catalog.Index) bool { return t.Serves(&i) })
}

// IndexFits reports whether an index has the shape of the target's. It may be invalid.
func (t Target) IndexFits(i *catalog.Index) bool {
	return slices.Equal(i.Columns, t.IndexColumns()) && i.Predicate == "" && i.Method == "btree" &&
		i.Unique && len(i.Included) == 0
}

// Proof returns the CHECK that proves NOT NULL, as the catalogue shows it after its validation.
func (t Target) Proof() catalog.Constraint {
	return catalog.Constraint{
		Name: t.Check, Kind: "c", Columns: []string{t.Column}, Validated: true,
		Definition: "CHECK ((" + sqltext.Ident(t.Column) + " IS NOT NULL))",
	}
}

// Proves reports whether a constraint is the CHECK that proves NOT NULL, validated or not.
func (t Target) Proves(c *catalog.Constraint) bool {
	return c.Kind == "c" && slices.Equal(c.Columns, []string{t.Column}) &&
		strings.HasPrefix(c.Definition, "CHECK ((") && strings.Contains(c.Definition, " IS NOT NULL))")
}

// proof returns the CHECK of the table that proves NOT NULL; nil if there is none or another constraint has its name.
func (t Target) proof(table *catalog.Table) *catalog.Constraint {
	if c := table.Constraint(t.Check); c != nil && t.Proves(c) {
		return c
	}
	return nil
}

// IndexColumns returns the columns of the target's index, in order.
func (t Target) IndexColumns() []string { return append([]string{t.Column}, t.Keys...) }

func (t Target) columns() string {
	list := make([]string, 0, len(t.Keys)+1)
	for _, c := range t.IndexColumns() {
		list = append(list, sqltext.Ident(c))
	}
	return strings.Join(list, ", ")
}

// Complete reports whether the column has its type, NOT NULL, default and index in the table and all tables below it.
func (t Target) Complete(table *catalog.Table) bool {
	for _, each := range table.All() {
		if c := each.Column(t.Column); c == nil || c.Type != "uuid" || !c.NotNull || !t.HasDefault(c) {
			return false
		}
	}
	return t.HasIndex(table)
}

// completeByLibrary is Complete for a column that a library's own migration made: the index may have another name, and the
// function another schema, since such a migration may name none. It makes no random values.
func (t Target) completeByLibrary(table *catalog.Table) bool {
	c := table.Column(t.Column)
	return !t.Random() && c != nil && c.Type == "uuid" && c.NotNull && t.HasEquivalentIndex(table) && CallsNamed(c, t.Function.Name)
}
