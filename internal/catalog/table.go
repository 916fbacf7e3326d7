package catalog

import (
	"cmp"
	"slices"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Kind is pg_class.relkind.
type Kind string

// The kinds of relations.
const (
	Ordinary         Kind = "r"
	Partitioned      Kind = "p"
	View             Kind = "v"
	MaterializedView Kind = "m"
	Foreign          Kind = "f"
	Sequence         Kind = "S"
	IndexKind        Kind = "i"
	PartitionedIndex Kind = "I"
	Composite        Kind = "c"
)

// String returns the name of the kind in PostgreSQL's manual.
func (k Kind) String() string {
	switch k {
	case Ordinary:
		return "table"
	case Partitioned:
		return "partitioned table"
	case View:
		return "view"
	case MaterializedView:
		return "materialized view"
	case Foreign:
		return "foreign table"
	case Sequence:
		return "sequence"
	case IndexKind, PartitionedIndex:
		return "index"
	default:
		return "composite type"
	}
}

// Table is a relation of any kind.
type Table struct {
	OID              uint32
	Schema, Name     string
	Kind             Kind
	Persistence      string // p permanent, u unlogged, t temporary
	Owner            string
	OwnerBecomes     bool   // see Owner.Becomes
	Owned            bool   // the role has the owner's rights
	Seal             string // a digest of what determines which code statements on the table run; "" if it was not read
	Comment          *string
	Pages            int64    // size of the main fork, now
	Rows             float64  // estimated number of rows
	Bytes            int64    // size without the indexes
	Fillfactor       int      // percent
	Partition        bool     // it is a partition of another table
	Parents          int      // number of tables directly above, by partitioning or inheritance
	Above            uint32   // oid of the first table directly above, set in Below only
	PartitionKey     []string // columns of a partitioned table's key in order; "" for an expression
	OfType           bool     // typed table
	RowSecurity      bool
	ForceRowSecurity bool
	ReplicaIdentity  string // d default, n nothing, f full, i index
	Extension        string // the extension it belongs to, or ""
	IndexOf          string // the table of an index
	Attributes       int    // pg_class.relnatts: live and dropped columns, at most 1,600
	Columns          []Column
	Indexes          []Index
	Constraints      []Constraint
	Triggers         []Trigger
	Rules            []Rule
	Publications     []Publication
	Attachments      []Attachment
	ForeignKeys      []ForeignKey // of the table; this and the following fields are read only if the request asks for edges
	ReferencedBy     []ForeignKey // of any table of the database, onto this one
	Policies         []Policy
	MayReference     bool      // the role has REFERENCES on the table
	OwnerBypassesRLS bool      // the owner is a superuser or has BYPASSRLS
	OwnerCreates     bool      // the owner has CREATE on the schema of the request
	Subscribed       bool      // a subscription of logical replication writes the table
	Sharding         *Sharding // nil for an ordinary table, also of a Citus cluster
	Below            []Table   // partitions or children on every level, parents first; nil for a table that is below another one
}

// Named returns the name of the table.
func (t Table) Named() sqltext.Table { return sqltext.Table{Schema: t.Schema, Name: t.Name} }

// HeldBy returns the owner of the table.
func (t Table) HeldBy() Owner { return Owner{Name: t.Owner, Becomes: t.OwnerBecomes} }

// IsTree reports whether the table is partitioned or has children by inheritance, so that other tables have its columns too.
func (t Table) IsTree() bool { return t.Kind == Partitioned || len(t.Below) > 0 }

// All returns the table and the tables below it.
func (t *Table) All() []*Table {
	all := []*Table{t}
	for i := range t.Below {
		all = append(all, &t.Below[i])
	}
	return all
}

// WithoutBelow returns a copy of the table without the tables below it. Its columns may be changed.
func (t Table) WithoutBelow() *Table {
	t.Columns, t.Below = slices.Clone(t.Columns), nil
	return &t
}

// Column returns the live column with a name; nil if there is none.
func (t Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Index returns the index with a name; nil if there is none.
func (t Table) Index(name string) *Index {
	for i := range t.Indexes {
		if t.Indexes[i].Name == name {
			return &t.Indexes[i]
		}
	}
	return nil
}

// Constraint returns the constraint with a name; nil if there is none.
func (t Table) Constraint(name string) *Constraint {
	for i := range t.Constraints {
		if t.Constraints[i].Name == name {
			return &t.Constraints[i]
		}
	}
	return nil
}

// Hides reports whether row-level security may hide rows from the role, which owns the table.
func (t Table) Hides(role Role) bool {
	return t.RowSecurity && t.ForceRowSecurity && !role.BypassRLS
}

// PrimaryKey returns the columns of the primary key, in order; nil if there is none.
func (t Table) PrimaryKey() []string {
	for _, i := range t.Indexes {
		if i.Primary {
			return i.Columns
		}
	}
	return nil
}

// Grantees returns the roles with rights on single columns, quoted and sorted.
func (t Table) Grantees() []string {
	var roles []string
	for _, c := range t.Columns {
		roles = append(roles, c.Grantees...)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// UniqueOn reports whether a valid index without a predicate keeps the column unique.
func (t Table) UniqueOn(column string) bool {
	return slices.ContainsFunc(t.Indexes, func(i Index) bool {
		return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && slices.Equal(i.Columns, []string{column})
	})
}

// Column is a live column.
type Column struct {
	Number        int // attnum
	Name          string
	Type          string // format_type, with its modifier
	Base          string // base type of a domain, also of a domain over a domain; "" for other types
	Length        int    // attlen: bytes of a value of fixed length; -1 or -2 where it varies
	Alignment     int    // bytes
	DefaultsToNow bool   // it is a NOT NULL time whose default is the time of the INSERT
	Epoch         string // unit of an integer column's values as times: s, ms, us or mixed; "" if they were not read
	NotNull       bool
	Unproved      bool   // NOT NULL NOT VALID: existing rows may be NULL (PostgreSQL 18 and later)
	UnprovedBy    string // name of that constraint
	Default       string // of a uuid or a domain and, if the request asks for edges, of an integer: pg_get_expr with search_path pg_catalog, so that all other names are qualified
	Calls         string // schema-qualified, quoted name of the function if the default only calls it; "" if not
	Code          []Code // functions on which the default of a uuid column depends
	Generated     bool
	Identity      string // "", "a" always, "d" by default
	Comment       *string
	Grantees      []string // roles, or "PUBLIC", with a right on this column, quoted
}

// Plain returns the type of the column's values: the base type of a domain.
func (c Column) Plain() string {
	if c.Base != "" {
		return c.Base
	}
	return c.Type
}

// Index is an index of a table.
type Index struct {
	OID             uint32
	Name            string
	Columns         []string // key columns in order; "" for an expression
	Included        []string
	Unique          bool
	Immediate       bool
	Primary         bool
	Valid           bool
	Ready           bool
	Method          string
	Predicate       string
	Definition      string
	Constraint      string // name of the constraint that the index enforces, or ""
	ReplicaIdentity bool
	Clustered       bool
	Parent          uint32 // oid of the partitioned index to which it is attached; 0 if to none
	Tablespace      string // "" for the database's own
	Home            string // the database's own, if the session has another default_tablespace; else ""

	// Comment, and Uses, the columns that its expressions and its predicate use, are read only if the request asks for edges.
	Comment *string
	Uses    []string
	// ConstraintComment is the comment of its constraint, Statistics the statistics target of each column if one has a target,
	// and Users the objects that depend on the index or on its constraint: foreign keys, rules. They are read with Comment.
	ConstraintComment *string
	Statistics        []int32
	Users             []string
	// Dependents are the objects other than foreign keys that depend on its constraint: views, rules, functions.
	Dependents []string
}

// Holds reports whether a column is in the key, among the included columns, in an expression or in the predicate.
func (i Index) Holds(column string) bool {
	return slices.Contains(i.Columns, column) || slices.Contains(i.Included, column) || slices.Contains(i.Uses, column)
}

// Place returns the tablespace that CREATE INDEX must name for an index in the same one; "" if it need not name any.
func (i Index) Place() string { return cmp.Or(i.Tablespace, i.Home) }

// Constraint is a constraint of a table, but no NOT NULL constraint of PostgreSQL 18: Column.NotNull has the same meaning on
// every version.
type Constraint struct {
	Name       string
	Kind       string // c check, f foreign key, p primary key, u unique, x exclusion, t trigger
	Columns    []string
	Validated  bool
	Definition string
}

// Rule is an enabled rule of a table.
type Rule struct {
	Name     string
	OnUpdate bool
	Instead  bool
}

// Publication is a publication that contains a table.
type Publication struct {
	Name      string
	Columns   []string // its column list for this table; nil for every column
	OfUpdates bool     // it publishes UPDATE
	AllTables bool     // it publishes every table of the database, the journal included
}

// Attachment is an object that depends on a column.
type Attachment struct {
	Column      string
	Kind        string // view, foreign key, index, constraint, statistics, policy, trigger, publication, replica identity, generated column, function …
	Name        string
	OnIndex     string // the index of the column on which it depends, or ""
	Description string // pg_describe_object
	Object      int64  // its OID
	LinkedIn    string // of a foreign key on a column that up made for an edge: the schema of the column; else ""
}

// Data describes the rows of an existing column.
type Data struct {
	Nulls        bool
	Other        int64    // number of values that are not UUIDv7
	Duplicates   []string // examples of values in more than one row
	SharedAcross []string // examples of values in more than one table of a tree
	NotUUIDs     []string // examples of values of a text column that are not uuids
}
