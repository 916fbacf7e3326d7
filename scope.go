package rekey

import (
	"math"

	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/known"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
)

// Scope says which tables a [Migrator] works on: a [Schema], whose tables are taken as they are found, or
// a [Profile], whose tables are known by name. No other type implements it.
type Scope interface {
	// schemaName is the schema that the tables are in.
	schemaName() string
	// in returns the same scope for another schema.
	in(schema string) Scope
	// compile returns the scope for a plan, and whether a plan skips the tables that are refused.
	compile(tables map[string]TableOptions) (scope plan.Scope, skipRefused bool, err error)
}

// Schema selects tables of one schema. Without Tables every table that belongs to the application is
// selected. Tables of migration tools, job queues and extensions, and tables whose primary key is a uuid
// already, are not.
type Schema struct {
	// Name is the name of the schema. It is required.
	Name string
	// Tables lists patterns of the tables to select. "*" matches any characters, "?" one character, and
	// a backslash makes the next character literal. A name without wildcards also selects a table that
	// would be left out otherwise. Default: all tables of the application.
	Tables []string
	// Exclude lists patterns of tables that are not selected.
	Exclude []string
	// Column is the name of the new column. Default: "uuid".
	Column string
	// IndexName is the pattern of the name of each table's unique index, in which {table} and {column}
	// are replaced. Default: "{table}_{column}_idx".
	IndexName string
	// SkipRefused lets a run work on the other tables if some are refused. The refused tables are listed
	// in Skipped of the [Plan] and of the [event.Result]. Default: one refused table refuses the run.
	SkipRefused bool
	// Parents names other schemas whose tables may be referred to by the tables of this one in phase [Linked]. They
	// must be expanded already. Default: a foreign key onto a table of another schema is refused.
	Parents []string
	// References names columns without a foreign key that are kept equal to a uuid column in phase [Linked]. Default:
	// only foreign keys are.
	References []Reference
}

func (s Schema) schemaName() string { return s.Name }

func (s Schema) in(schema string) Scope {
	s.Name = schema
	return s
}

func (s Schema) compile(tables map[string]TableOptions) (scope plan.Scope, skipRefused bool, err error) {
	scope.Libraries = known.Libraries()
	scope.Selection, err = selection(s, tables)
	return scope, s.SkipRefused, err
}

// Profile describes the tables of a library whose tables live in other people's databases, and how the
// library records its version. Package phoenixkit has one; a host may define its own, which [New]
// validates. A Profile used as a [Scope] means its tables in schema public; see [Profile.In].
type Profile struct {
	// Name identifies the profile in messages and in the journal. It is required.
	Name string
	// VersionTable is the table, without its schema, whose comment (COMMENT ON TABLE) is the version of the
	// library, a bare integer. It is required.
	VersionTable string
	// Column is the name of the new column. It is required.
	Column string
	// From is the version before the change, and To the version after it: Up records To, Down records From.
	From, To int
	// VerifyFrom is the first version in which the uuid is the primary key. From there on rekey only
	// verifies. It is greater than To. Default: never.
	VerifyFrom int
	// KeyedFrom is the first version in which every table of the library that has the column has a primary
	// key; verify then checks all of them. Default: never.
	KeyedFrom int
	// Last is the last version that the profile knows. Above it rekey only reads. It is at least To.
	Last int
	// LinkAt is the version at which Up can go on to phase [Linked]. It is at least To and less than VerifyFrom.
	// Default: never.
	LinkAt int
	// Tables lists the tables in the order in which they are migrated. Tables that do not exist are skipped
	// and reported as absent.
	Tables []ProfileTable
	// References names what a later version of the library gives the uuid counterpart of a reference onto one of its
	// tables, for phase [Linked]. Default: rekey chooses the names, for foreign keys only.
	References []ProfileReference
	// Title is the name of the library in messages. Default: Name.
	Title string
	// Hints are what messages advise the users of the library to do.
	Hints ProfileHints
	// Function describes the function uuid_generate_v7() of the library's own migrations. Up may replace it.
	// Default: the library has none.
	Function ProfileFunction
}

// ProfileReference is a column of one table of a [Profile] that refers to another one.
type ProfileReference struct {
	// Table is the name of the referencing table, which need not be in Tables, and Column its integer column.
	Table, Column string
	// Parent is the name of the referenced table, one of Tables.
	Parent string
	// UUIDColumn is the name of the uuid column.
	UUIDColumn string
	// Constraint is the name of the uuid column's foreign key. Default: rekey chooses it.
	Constraint string
	// Index is the name of the index on the uuid column alone, which is made if the integer column has such an index.
	// Default: rekey chooses it.
	Index string
}

// ProfileHints are what messages advise the users of a library to do. Each is optional.
type ProfileHints struct {
	// Up says how to bring the library up to From, for use in parentheses: "acme migrate --to 39".
	Up string
	// Down says how to bring the library down to To, in the same way.
	Down string
	// Recorded says what records the version, in the same way.
	Recorded string
	// Repair is a sentence about differences that [Migrator.Verify] finds from VerifyFrom on.
	Repair string
	// Newer is a sentence about a recorded version above Last.
	Newer string
}

// ProfileFunction identifies the function uuid_generate_v7() of a library's own migrations.
type ProfileFunction struct {
	// Digest is the MD5 digest of its source in lower case, without comments, white space and the schema of
	// gen_random_bytes, in hexadecimal digits.
	Digest string
	// Needs says what an INSERT that calls it needs, such as an extension.
	Needs string
}

// ProfileTable is one table of a [Profile].
type ProfileTable struct {
	// Name is the name without the schema.
	Name string
	// Renamed is the later name of the table, or nil.
	Renamed *Rename
	// TimeColumn is the column that holds the time at which a row was created. Default: rekey finds one by
	// its name. It does the same for a table that does not have TimeColumn, and the plan says so.
	TimeColumn string
}

// Rename is the name that a later version of the library gives a table.
type Rename struct {
	// Version is the version from which on the name holds.
	Version int
	// Name is the later name.
	Name string
}

// In returns the profile's tables in the given schema as a [Scope].
func (p Profile) In(schema string) Scope { return profileScope{profile: p, schema: schema} }

func (p Profile) schemaName() string { return "public" }

func (p Profile) in(schema string) Scope { return p.In(schema) }

func (p Profile) compile(map[string]TableOptions) (plan.Scope, bool, error) {
	own := p.internal()
	return plan.Scope{Profile: &own, Libraries: known.Libraries()}, false, nil
}

type profileScope struct {
	profile Profile
	schema  string
}

func (s profileScope) schemaName() string { return s.schema }

func (s profileScope) in(schema string) Scope { return s.profile.In(schema) }

func (s profileScope) compile(tables map[string]TableOptions) (plan.Scope, bool, error) {
	return s.profile.compile(tables)
}

// profileOf returns the profile of a scope, or nil.
func profileOf(s Scope) *Profile {
	switch s := s.(type) {
	case Profile:
		return &s
	case profileScope:
		return &s.profile
	}
	return nil
}

// Names returns every name that the table has in any version.
func (t ProfileTable) Names() []string { return t.internal().Names() }

func (t ProfileTable) internal() profile.Table {
	table := profile.Table{Name: t.Name, Time: t.TimeColumn}
	if t.Renamed != nil {
		table.Renamed = &profile.Rename{Version: t.Renamed.Version, Name: t.Renamed.Name}
	}
	return table
}

// NamesAt returns the names of the tables at a version of the library, in order.
func (p Profile) NamesAt(version int) []string { return p.internal().NamesAt(version) }

// tableNames returns the names that each table has in any version; not nil.
func (p Profile) tableNames() [][]string {
	names := [][]string{}
	for _, t := range p.Tables {
		names = append(names, t.Names())
	}
	return names
}

func (p Profile) internal() profile.Profile {
	own := profile.Profile{
		Name: p.Name, VersionTable: p.VersionTable, Column: p.Column, From: p.From, To: p.To,
		VerifyFrom: p.VerifyFrom, KeyedFrom: p.KeyedFrom, Last: p.Last, LinkAt: p.LinkAt,
	}
	own.Title, own.Hints, own.Function = p.Title, profile.Hints(p.Hints), profile.Function(p.Function)
	for _, r := range p.References {
		own.References = append(own.References, profile.Reference(r))
	}
	if p.VerifyFrom == 0 {
		own.VerifyFrom = math.MaxInt32
	}
	for _, t := range p.Tables {
		own.Tables = append(own.Tables, t.internal())
	}
	return own
}

// SplitPatterns splits a list of patterns at its commas. A backslash makes a comma part of a name.
func SplitPatterns(list string) []string { return discover.Split(list) }

// ExactName returns the name that a pattern without wildcards matches; ok is false if it has wildcards.
func ExactName(pattern string) (name string, ok bool) {
	p, err := discover.ParsePattern(pattern)
	if err != nil {
		return pattern, true
	}
	return p.Exact()
}
