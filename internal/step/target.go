package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Target is one table and the names of what it is to get.
type Target struct {
	Schema, Table string
	Column        string
	Index         string
	// Aliases are other names that a kit's later versions give a second such index: down drops those as well.
	Aliases  []string
	Check    string // the constraint that proves NOT NULL, gone at the end
	Function sqltext.Table
	// Lasting says that what up makes keeps its mark: no kit's exact shape tells whose the column is.
	KeepsMark bool
	// Keys are the columns beside Column that a unique index of a partitioned table must have: the keys by
	// which it and what is below it are partitioned.
	Keys []string
	// Pattern makes the names of the indexes of the tables below; "" where there are none.
	Pattern string
	// Root is schema.table of the top, of a table below another one: the mark on the root's column is that
	// of all of them.
	Root string
	// Only says that the table has children by inheritance, whose rows are not meant.
	Only bool
}

// Relation is the quoted, schema-qualified name of the table.
func (t Target) Relation() string { return sqltext.Qualified(t.Schema, t.Table) }

// String is schema.table, for people.
func (t Target) String() string { return t.Schema + "." + t.Table }

func (t Target) id(verb string) ID { return ID(t.String() + "/" + verb) }

// Name is the name of the table for sqltext.Format.
func (t Target) Name() sqltext.Table { return sqltext.Table{Schema: t.Schema, Name: t.Table} }

// Rows is the name of the table where its own rows are meant, not those of its children.
func (t Target) Rows() sqltext.Table {
	return sqltext.Table{Schema: t.Schema, Name: t.Table, Only: t.Only}
}

// HasDefault reports whether the column's default is a bare call of the target's function. Where no kit
// asks for that one, PostgreSQL 18's own does as well.
func (t Target) HasDefault(c *catalog.Column) bool {
	return t.CallsFunction(c) || (t.KeepsMark && !t.Random() && c.Calls == "" && c.Default == "uuidv7()")
}

// CallsFunction reports whether the column's default is a bare call of the target's function.
func (t Target) CallsFunction(c *catalog.Column) bool {
	return c.Calls == sqltext.Qualified(t.Function.Schema, t.Function.Name)
}

// HasIndex reports whether the table has the target's index, valid and unique, on the column alone; of a tree,
// whether each of its tables has.
func (t Target) HasIndex(table *catalog.Table) bool {
	if table.IsTree() {
		return t.treeHasIndex(table)
	}
	i := table.Index(t.Index)
	return i != nil && t.Serves(i)
}

// Serves reports whether an index, whatever its name, does the work of the target's.
func (t Target) Serves(i *catalog.Index) bool { return i.Valid && i.Immediate && t.IndexFits(i) }

// Served reports whether the table has an index that serves, under any name: a kit's later versions rename tables and leave
// their indexes as they are.
func (t Target) HasEquivalentIndex(table *catalog.Table) bool {
	return t.HasIndex(table) || !table.IsTree() && slices.ContainsFunc(table.Indexes, func(i catalog.Index) bool { return t.Serves(&i) })
}

// IndexFits reports whether an index is the target's but for being valid.
func (t Target) IndexFits(i *catalog.Index) bool {
	return slices.Equal(i.Columns, t.IndexColumns()) && i.Predicate == "" && i.Method == "btree" &&
		i.Unique && len(i.Included) == 0
}

// Proof is the constraint that proves NOT NULL, as the catalogue holds it once it has been validated.
func (t Target) Proof() catalog.Constraint {
	return catalog.Constraint{
		Name: t.Check, Kind: "c", Columns: []string{t.Column}, Validated: true,
		Definition: "CHECK ((" + sqltext.Ident(t.Column) + " IS NOT NULL))",
	}
}

// Proves reports whether a constraint of the proof's name is the proof, validated or not, and none of the application's.
func (t Target) Proves(c *catalog.Constraint) bool {
	return c.Kind == "c" && slices.Equal(c.Columns, []string{t.Column}) &&
		strings.HasPrefix(c.Definition, "CHECK ((") && strings.Contains(c.Definition, " IS NOT NULL))")
}

// proof is the proof that a table has; nil where it has none, and where another constraint has its name.
func (t Target) proof(table *catalog.Table) *catalog.Constraint {
	if c := table.Constraint(t.Check); c != nil && t.Proves(c) {
		return c
	}
	return nil
}

// IndexColumns are those of the target's index, in order.
func (t Target) IndexColumns() []string { return append([]string{t.Column}, t.Keys...) }

func (t Target) columns() string {
	list := make([]string, 0, len(t.Keys)+1)
	for _, c := range t.IndexColumns() {
		list = append(list, sqltext.Ident(c))
	}
	return strings.Join(list, ", ")
}

// Whole reports whether the table has all of the goal's shape: V40's exact shape.
func (t Target) Complete(table *catalog.Table) bool {
	for _, one := range table.All() {
		if c := one.Column(t.Column); c == nil || c.Type != "uuid" || !c.NotNull || !t.HasDefault(c) {
			return false
		}
	}
	return t.HasIndex(table)
}

// likeV40 is Whole, but content with an index of another name, and with a default that calls the function of the same name
// in another schema: the original made its function without naming a schema. It made no random values.
func (t Target) completeLikeV40(table *catalog.Table) bool {
	c := table.Column(t.Column)
	return !t.Random() && c != nil && c.Type == "uuid" && c.NotNull && t.HasEquivalentIndex(table) && CallsNamed(c, t.Function.Name)
}
