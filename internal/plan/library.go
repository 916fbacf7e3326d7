package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// library compiles the goals of a profile: the tables of a library, known by their names.
type library struct {
	profile.Profile
	others []profile.Library // that are recognized besides it
}

func (l library) known() []profile.Library {
	return append([]profile.Library{l.Library()}, l.others...)
}

func (l library) reading() Reading {
	r := Reading{Column: l.Column, Evidence: l.VersionTable}
	r.Relations = append(r.Relations, l.VersionTable)
	for _, name := range l.tableNames() {
		r.Relations = append(r.Relations, name, TargetOf("", name, l.Column).Index)
	}
	r.Referencing = l.referencing()
	return r
}

// referencing returns the names of the tables that refer to a table of the library and are not among its tables.
func (l library) referencing() []string {
	var names []string
	for _, r := range l.References {
		if !slices.Contains(l.Names(), r.Table) && !slices.Contains(names, r.Table) {
			names = append(names, r.Table)
		}
	}
	return names
}

func (l library) chosen(catalog.Schema) []string { return l.tableNames() }

// tableNames returns every name of every table but the version table's.
func (l library) tableNames() []string {
	return slices.DeleteFunc(l.Profile.Names(), func(name string) bool { return name == l.VersionTable })
}

func (l library) goals(s Input) Goals {
	g := Goals{Profile: l.Name, Column: l.Column, References: l.References, Function: true, Version: &VersionGoal{
		Table: l.VersionTable, From: l.From, To: l.To, Repair: l.Hints.Repair,
	}}
	v := g.Version
	var refusal *problem.Problem
	if v.Now, refusal = l.recordedVersion(s); refusal != nil {
		g.Refusals = problem.List{refusal}
		return g
	}
	if v.Now > l.Last {
		v.Unknown = message.UnknownVersion(l.Profile, s.Schema.Name, v.Now)
		g.Notes = append(g.Notes, message.UnknownVersionNote(v.Now, l.Last))
	}
	v.VerifyOnly = s.Direction == Up && (v.Now >= l.VerifyFrom || v.Unknown != nil)
	if l.KeyedFrom > 0 && v.Now >= l.KeyedFrom {
		v.Keyed = l.VersionTable + "_"
	}
	g.Names = l.NamesAt(v.Now)
	for i, t := range l.Tables {
		name := g.Names[i]
		table := s.Schema.Relation(name)
		if table == nil {
			g.Absent = append(g.Absent, name)
			continue
		}
		g.Tables = append(g.Tables, TableGoal{Target: l.target(s.Schema.Name, t, table, s.Direction), Table: table, Names: t.Names(), Time: t.Time})
	}
	for _, name := range l.referencing() {
		if table := s.Schema.Relation(name); table != nil {
			g.Referencing = append(g.Referencing, table)
		}
	}
	return g
}

// recordedVersion returns the version that the schema has recorded, and a refusal if the plan cannot start from it.
func (l library) recordedVersion(s Input) (int, *problem.Problem) {
	if !s.Schema.Exists {
		return 0, message.NoSchema(s.Schema.Name, s.Elsewhere)
	}
	if !s.Schema.Usage {
		return 0, message.NoUsage(s.Schema.Name, s.Server.Role.Name)
	}
	table := s.Schema.Relation(l.VersionTable)
	if table == nil || table.Kind != catalog.Ordinary {
		return 0, message.NoVersionTable(s.Schema.Name, l.VersionTable, s.Elsewhere)
	}
	version, ok := step.Version(table)
	switch {
	case !ok:
		return 0, message.NoVersion(l.Profile, s.Schema.Name)
	case s.Direction == Up && version < l.From:
		return version, message.VersionTooOld(l.Profile, s.Schema.Name, version)
	case s.Direction == Up && s.Goal.AtLeast(Linked) && version > l.LinkAt:
		return version, message.LinkTooLate(l.Profile, s.Schema.Name, version)
	case s.Direction == Down && version > l.To:
		return version, message.VersionTooNew(l.Profile, s.Schema.Name, version)
	}
	return version, nil
}

// target returns the names of the objects that a table gets. The index keeps the name that up gave it even if the table
// was renamed later, since renaming a table renames no index.
func (l library) target(schema string, entry profile.Table, table *catalog.Table, direction Direction) step.Target {
	t := TargetOf(schema, table.Name, l.Column)
	t.Keys = shardKeys(table, t.Column)
	names := indexNames(entry, l.Column)
	t.Index = names[0]
	find := func(accept func(*catalog.Index) bool) bool {
		at := slices.IndexFunc(names, func(name string) bool { i := table.Index(name); return i != nil && accept(i) })
		if at >= 0 {
			t.Index = names[at]
		}
		return at >= 0
	}
	switch {
	case find(t.Serves):
	case direction == Up && t.HasEquivalentIndex(table):
		t.Index = servingIndex(t, table)
	default:
		find(t.IndexFits) // an interrupted build: it is dropped and built again
	}
	t.Aliases = slices.DeleteFunc(names, func(name string) bool { return name == t.Index })
	return t
}

// indexNames returns the names that up gives the index of a profile's table, current and earlier ones.
func indexNames(entry profile.Table, column string) []string {
	var names []string
	for _, name := range entry.Names() {
		names = append(names, Name(name, column, "idx"))
	}
	return names
}
