package plan

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Scope is the tables that a plan is about: those that a profile names or, without a profile, those that a selection
// chooses. Both compile to Goals, and nothing but this file knows which of them a scope has.
type Scope struct {
	Profile   *profile.Profile  // nil for a schema run
	Selection Selection         // with a profile, only its Parents and References
	Libraries []profile.Library // that are recognized without their profile
}

// source compiles one kind of scope.
type source interface {
	reading() Reading
	chosen(schema catalog.Schema) []string
	goals(s Input) Goals
	known() []profile.Library
}

func (s Scope) source() source {
	if s.Profile == nil {
		selection := s.Selection
		selection.Filter.Libraries = s.Libraries
		return selection
	}
	return library{Profile: *s.Profile, others: s.Libraries}
}

// Reading says what to read of a schema before its goals can be compiled.
type Reading struct {
	All       bool     // every relation, not only Relations
	Relations []string // names of relations of any kind
	// Referencing are the names of further relations to read for edges: tables that get no column and refer to one that does.
	Referencing []string
	Column      string            // the objects that depend on this column of a table are read too
	Columns     map[string]string // by table, where it is not Column
	// Evidence is the table without which a schema is the wrong one; "" if any schema that exists is right.
	Evidence string
}

// Recognize sets the library of a function whose source is known.
func (s Scope) Recognize(f *catalog.Function) {
	for _, l := range s.source().known() {
		if f.Digest == l.Function.Digest && f.Digest != "" {
			f.Original = &catalog.Original{Library: l.Title, Needs: l.Function.Needs}
			return
		}
	}
}

// Reading returns what to read of a schema.
func (s Scope) Reading() Reading { return s.source().reading() }

// Chosen returns the names of the tables that get a column, refused ones included.
func (s Scope) Chosen(schema catalog.Schema) []string { return s.source().chosen(schema) }

// Goals compiles the scope for the schema.
func (s Input) Goals() Goals { return s.source().goals(s) }

// Goals is the state that the tables of a schema are to reach. It does not depend on the kind of scope.
type Goals struct {
	Profile string
	Column  string   // the column that each table gets
	Names   []string // of the tables, in order, absent ones included; nil if Refusals say why they are unknown
	Tables  []TableGoal
	Absent  []string
	// Referencing are tables that get no column. Their references to Tables become edges all the same.
	Referencing []*catalog.Table
	// Choices has the decision on every relation of the schema; nil if the tables are known by name.
	Choices []discover.Choice
	// Version is the version that the schema records; nil if it records none.
	Version *VersionGoal
	// References names the columns and foreign keys of edges that a library names itself.
	References []profile.Reference
	// Function says that the schema gets the function even if no table calls it.
	Function bool
	// Renameable says that the user chooses the tables and the names of what they get, so that hints say how.
	Renameable bool
	Notes      []string
	Refusals   problem.List // why no table can be planned
}

// TableGoal is what one table gets.
type TableGoal struct {
	Target step.Target
	Table  *catalog.Table
	Names  []string // by which settings refer to the table
	Time   string   // the creation-time column that the profile names; "" for none
}

// VersionGoal is the version of a library that a schema records as the comment on a table.
type VersionGoal struct {
	Table      string
	Now        int // the version recorded now
	From, To   int // the versions before and after the migration
	VerifyOnly bool
	Repair     string           // the library's advice on differences with VerifyOnly; "" for none
	Unknown    *problem.Problem // why Now is above the last known version; nil if it is not
	// Keyed is the prefix of the names of all tables whose primary key is the column at this version; "" if that is not
	// known.
	Keyed string
}
