// Package profile holds what rekey knows of a kit whose tables live in other people's databases: their
// names, the names they get later, and how the kit records its version. A profile is a value.
package profile

// Profile is a list of tables and the rules that hold for them.
type Profile struct {
	Name         string  // "phoenixkit"
	VersionTable string  // its comment is the version
	Column       string  // the column that each table gets
	From, To     int     // the version before the change and after it
	VerifyFrom   int     // from this version on the uuid is the primary key: only verified
	KeyedFrom    int     // from this version on every table of the kit with the column has a primary key, and verify checks all of them; 0 is never
	Last         int     // the last version that is known; above it rekey only reads
	Tables       []Table // in the order in which they are migrated
}

// Table is one table of a profile.
type Table struct {
	Name    string
	Renamed *Rename // nil if it never was
	Time    string  // the column that says when a row was created
}

// Rename says that a later version gave the table another name.
type Rename struct {
	Version int
	Name    string
}

// NameAt is the table's name at a version of the kit.
func (t Table) NameAt(version int) string {
	if t.Renamed != nil && version >= t.Renamed.Version {
		return t.Renamed.Name
	}
	return t.Name
}

// Names gives every name that the table ever has.
func (t Table) Names() []string {
	if t.Renamed == nil {
		return []string{t.Name}
	}
	return []string{t.Name, t.Renamed.Name}
}

// NamesAt gives every table's name at a version of the kit, in order.
func (p Profile) NamesAt(version int) []string {
	names := make([]string, len(p.Tables))
	for i, t := range p.Tables {
		names[i] = t.NameAt(version)
	}
	return names
}

// Names gives every name that a table of the profile ever has, and the version table's.
func (p Profile) Names() []string {
	names := []string{p.VersionTable}
	for _, t := range p.Tables {
		names = append(names, t.Names()...)
	}
	return names
}
