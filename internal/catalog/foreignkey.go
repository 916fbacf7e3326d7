package catalog

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// ForeignKey is a FOREIGN KEY constraint with both of its ends.
type ForeignKey struct {
	OID           uint32
	Name          string
	Child         sqltext.Table // the referencing table
	Parent        sqltext.Table // the referenced table
	ChildColumns  []string      // in the order of the constraint
	ParentColumns []string      // in the same order
	Index         uint32        // oid of the parent's index on which the constraint depends (pg_constraint.conindid)
	OnDelete      Action
	OnUpdate      Action
	SetColumns    []string // the columns of ON DELETE SET NULL (…) or SET DEFAULT (…); nil means all of them
	Match         Match
	Deferrable    bool
	Deferred      bool // INITIALLY DEFERRED
	Validated     bool
	NotEnforced   bool // NOT ENFORCED (PostgreSQL 18 and later)
	Period        bool // the last column is a PERIOD (PostgreSQL 18 and later)
	OwnOperators  bool // it compares columns by an operator that is not PostgreSQL's own
	// OtherCollations says that a column and the one to which it refers have collations that PostgreSQL cannot compare them by.
	OtherCollations bool
	ChildOwned      bool   // the role has the rights of the child's owner
	Above           uint32 // oid of the constraint of the partitioned table from which it comes; 0 if it is the table's own
	Comment         *string
}

// Action is pg_constraint.confdeltype or confupdtype.
type Action string

// The referential actions.
const (
	NoAction   Action = "a"
	Restrict   Action = "r"
	Cascade    Action = "c"
	SetNull    Action = "n"
	SetDefault Action = "d"
)

// String returns the action in PostgreSQL's words.
func (a Action) String() string {
	return map[Action]string{NoAction: "NO ACTION", Restrict: "RESTRICT", Cascade: "CASCADE", SetNull: "SET NULL", SetDefault: "SET DEFAULT"}[a]
}

// Match is pg_constraint.confmatchtype.
type Match string

// The match types. PostgreSQL does not implement MATCH PARTIAL.
const (
	MatchSimple Match = "s"
	MatchFull   Match = "f"
)

// ForeignKey returns the foreign key with a name; nil if there is none.
func (t Table) ForeignKey(name string) *ForeignKey {
	for i := range t.ForeignKeys {
		if t.ForeignKeys[i].Name == name {
			return &t.ForeignKeys[i]
		}
	}
	return nil
}

// ReferencedColumn returns the parent's column to which a column of the child refers; "" if the key does not hold it.
func (k ForeignKey) ReferencedColumn(child string) string {
	if at := slices.Index(k.ChildColumns, child); at >= 0 {
		return k.ParentColumns[at]
	}
	return ""
}

// SelfReference reports whether a table refers to itself.
func (k ForeignKey) SelfReference() bool { return k.Child.Same(k.Parent) }
