package catalog

import "slices"

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

// String is the word PostgreSQL's manual has for it.
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

// Table is a relation: an ordinary table, or whatever bears the name.
type Table struct {
	OID              uint32
	Schema, Name     string
	Kind             Kind
	Persistence      string // p permanent, u unlogged, t temporary
	Owner            string
	OwnerBecomes     bool // see Owner.Becomes
	Owned            bool // the role has the owner's rights
	Comment          *string
	Pages            int64    // of the main fork, now
	Rows             float64  // estimate; -1 when never analyzed
	Bytes            int64    // of the table without its indexes
	Fillfactor       int      // percent
	Partition        bool     // is a partition of another table
	Parents          int      // tables directly above, by partitioning or inheritance
	Above            uint32   // of a table below another one: the first table directly above
	PartitionKey     []string // columns of a partitioned table's key in order; "" stands for an expression
	OfType           bool     // typed table
	RowSecurity      bool
	ForceRowSecurity bool
	ReplicaIdentity  string // d default, n nothing, f full, i index
	Extension        string // the extension it belongs to, or ""
	IndexOf          string // of an index: the table it is on
	Attributes       int    // pg_class.relnatts: live and dropped columns, 1,600 at most
	Columns          []Column
	Indexes          []Index
	Constraints      []Constraint
	Triggers         []Trigger
	Rules            []Rule
	Publications     []Publication
	Attachments      []Attachment
	Below            []Table // partitions or children on every level, the upper ones first; only of a table that is below no other
}

// HeldBy gives the table's owner.
func (t Table) HeldBy() Owner { return Owner{Name: t.Owner, Becomes: t.OwnerBecomes} }

// Tree reports whether a column of the table belongs to others as well: it is partitioned, or has children by
// inheritance.
func (t Table) IsTree() bool { return t.Kind == Partitioned || len(t.Below) > 0 }

// All gives the table and those below it.
func (t *Table) All() []*Table {
	all := []*Table{t}
	for i := range t.Below {
		all = append(all, &t.Below[i])
	}
	return all
}

// Alone is a copy of the table without those below it, whose columns may be changed.
func (t Table) WithoutBelow() *Table {
	t.Columns, t.Below = slices.Clone(t.Columns), nil
	return &t
}

// Column finds a live column by its name; nil if there is none.
func (t Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Index finds an index of the table by its name; nil if there is none.
func (t Table) Index(name string) *Index {
	for i := range t.Indexes {
		if t.Indexes[i].Name == name {
			return &t.Indexes[i]
		}
	}
	return nil
}

// Constraint finds a constraint of the table by its name; nil if there is none.
func (t Table) Constraint(name string) *Constraint {
	for i := range t.Constraints {
		if t.Constraints[i].Name == name {
			return &t.Constraints[i]
		}
	}
	return nil
}

// Hides reports whether row-level security may hide rows from the role, its owner.
func (t Table) Hides(role Role) bool {
	return t.RowSecurity && t.ForceRowSecurity && !role.BypassRLS
}

// PrimaryKey gives the columns of the primary key, in order; nil without one.
func (t Table) PrimaryKey() []string {
	for _, i := range t.Indexes {
		if i.Primary {
			return i.Columns
		}
	}
	return nil
}

// Grantees gives the roles with rights on single columns, quoted, in order.
func (t Table) Grantees() []string {
	var roles []string
	for _, c := range t.Columns {
		roles = append(roles, c.Grantees...)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// UniqueOn reports whether a valid index without predicate keeps the one column unique.
func (t Table) UniqueOn(column string) bool {
	return slices.ContainsFunc(t.Indexes, func(i Index) bool {
		return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && slices.Equal(i.Columns, []string{column})
	})
}

// Column is a live column.
type Column struct {
	Number     int // attnum
	Name       string
	Type       string // format_type, with its modifier
	Base       string // the type behind a domain, through domains over domains; "" of any other type
	Length     int    // attlen: bytes of a value of fixed length; -1 or -2 where it varies
	Alignment  int    // bytes
	DefaultsToNow    bool   // a NOT NULL time whose default is the time of the INSERT
	Epoch      string // the unit that the values of an integer column show: s, ms, us or mixed; "" where they were not read
	NotNull    bool
	Unproved   bool   // NOT NULL, but NOT VALID: holds for new rows only (18 and later)
	UnprovedBy string // the name of that constraint
	Default    string // pg_get_expr under search_path pg_catalog: every other name is qualified
	Calls      string // schema-qualified, quoted name of the function that the default is a bare call of, or ""
	Code       []Code // functions that the default of a uuid column depends on
	Generated  bool
	Identity   string // "", "a" always, "d" by default
	Comment    *string
	Grantees   []string // roles with a right on the column alone, quoted; "PUBLIC" is one
}

// Plain returns the type of the column's values: of a domain the type behind it.
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
	Columns         []string // key columns in order; "" stands for an expression
	Included        []string
	Unique          bool
	Immediate       bool
	Primary         bool
	Valid           bool
	Ready           bool
	Method          string
	Predicate       string
	Definition      string
	Constraint      string // the constraint it backs, or ""
	ReplicaIdentity bool
	Clustered       bool
	Parent          uint32 // of a partition's index: the partitioned index that it is attached to
}

// Constraint is a constraint of a table. PostgreSQL 18's NOT NULL constraints are not among them: a
// column's NotNull says the same on every version.
type Constraint struct {
	Name       string
	Kind       string // c check, f foreign key, p primary key, u unique, x exclusion, t trigger
	Columns    []string
	Validated  bool
	Definition string
}

// Trigger is a trigger of the application's.
type Trigger struct {
	Name     string
	Enabled  string // O origin and local, D disabled, R replica, A always
	OnUpdate bool
	Of       []string // the columns of UPDATE OF; none where an update of any may fire it
	Function string
}

// OnUpdateOf reports whether an update of the one column fires the trigger, where it is enabled.
func (t Trigger) FiresOnUpdateOf(column string) bool {
	return t.OnUpdate && (len(t.Of) == 0 || slices.Contains(t.Of, column))
}

// Firing names the triggers that an update of the one column fires: in a session whose session_replication_role is
// replica, or in an ordinary one. Source: PostgreSQL's manual, ALTER TABLE, ENABLE TRIGGER.
func (t Table) FiringTriggers(column string, replica bool) []string {
	enabled := "O"
	if replica {
		enabled = "R"
	}
	var names []string
	for _, trigger := range t.Triggers {
		if trigger.FiresOnUpdateOf(column) && (trigger.Enabled == enabled || trigger.Enabled == "A") {
			names = append(names, trigger.Name)
		}
	}
	return names
}

// Rule is a rule of the application's that is not a view's.
type Rule struct {
	Name     string
	OnUpdate bool
	Instead  bool
}

// Publication is a publication through which a table's changes leave the database.
type Publication struct {
	Name      string
	Columns   []string // its column list for this table; nil: every column
	OfUpdates bool
}

// Attachment is something that depends on a column and was not made by rekey.
type Attachment struct {
	Column      string
	Kind        string // view, foreign key, index, constraint, statistics, policy, trigger, publication, replica identity, generated column, function …
	Name        string
	OnIndex     string // the index it hangs on, if it hangs on the column's index
	Description string // pg_describe_object
}

// Data is what counting the rows of an existing column told.
type Data struct {
	Nulls      bool
	Other      int64    // values that are not UUIDv7
	Duplicates []string // some of the values that stand more than once
	SharedAcross     []string // some of those that stand in more than one table of a tree
	NotUUIDs   []string // some of the values of a text column that are no uuids
}
