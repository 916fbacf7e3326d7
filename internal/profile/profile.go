// Package profile describes a library whose tables are in the databases of the applications that use it: the tables'
// names, their later names, and how the library records its version. A profile is a value.
package profile

// Profile is a list of tables and the versions of their schema.
type Profile struct {
	Name         string  // "phoenixkit"
	VersionTable string  // the table whose comment is the version
	Column       string  // the column that each table gets
	From, To     int     // the versions before and after the migration
	VerifyFrom   int     // from this version on the uuid is the primary key, and rekey only verifies
	KeyedFrom    int     // from this version on every table of the library with the column has a primary key, and verify checks all of them; 0 for never
	Last         int     // the last known version; above it rekey only reads
	LinkAt       int     // the version at which foreign keys can be linked; 0 for never
	Tables       []Table // in the order in which they are migrated
	References   []Reference
	Title        string // the library's name in messages; "" for Name
	Hints        Hints
	Function     Function
}

// Hints are what messages advise the users of a library to do. An empty hint is left out.
type Hints struct {
	Up       string // how to bring the library up to From
	Down     string // how to bring it down to To
	Recorded string // what records its version
	Repair   string // a sentence about differences from VerifyFrom on
	Newer    string // a sentence about versions above Last
}

// Function is the function uuid_generate_v7() that a library's own migrations create.
type Function struct {
	Digest string // catalog.Function.Digest of its source; "" if the library has none
	Needs  string // what an INSERT that calls it needs
}

// Library identifies a library in the schemas of its users.
type Library struct {
	Name, Title  string
	VersionTable string // the prefix of the names of its tables
	Function     Function
}

// Library returns the library of the profile.
func (p Profile) Library() Library {
	return Library{Name: p.Name, Title: p.title(), VersionTable: p.VersionTable, Function: p.Function}
}

func (p Profile) title() string {
	if p.Title == "" {
		return p.Name
	}
	return p.Title
}

// Reference is a reference from a table of the library to another one, with the names that a later version of the library
// gives to its uuid counterpart.
type Reference struct {
	Table, Column string // the referencing table, and its integer column
	Parent        string // the referenced table
	UUIDColumn    string // the uuid column
	Constraint    string // the foreign key of the uuid column; "" for the name that rekey chooses
	Index         string // the index on the uuid column alone; "" for the name that rekey chooses
}

// Table is one table of a profile.
type Table struct {
	Name    string
	Renamed *Rename // nil if the table keeps its name
	Time    string  // the creation-time column; "" for none
}

// Rename is the name that a later version gives a table.
type Rename struct {
	Version int
	Name    string
}

// NameAt returns the table's name at a version.
func (t Table) NameAt(version int) string {
	if t.Renamed != nil && version >= t.Renamed.Version {
		return t.Renamed.Name
	}
	return t.Name
}

// Names returns every name of the table, the first one first.
func (t Table) Names() []string {
	if t.Renamed == nil {
		return []string{t.Name}
	}
	return []string{t.Name, t.Renamed.Name}
}

// NamesAt returns the name of every table at a version, in order.
func (p Profile) NamesAt(version int) []string {
	names := make([]string, len(p.Tables))
	for i, t := range p.Tables {
		names[i] = t.NameAt(version)
	}
	return names
}

// Names returns the name of the version table and every name of every table.
func (p Profile) Names() []string {
	names := []string{p.VersionTable}
	for _, t := range p.Tables {
		names = append(names, t.Names()...)
	}
	return names
}
