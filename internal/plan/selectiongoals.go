package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// goals compiles the selection: every chosen table of the schema.
func (a Selection) goals(s Input) Goals {
	g := Goals{Column: a.NamingFor("").Column, Renameable: true}
	if g.Refusals = a.refuseSchema(s); g.Refusals != nil {
		return g
	}
	g.Choices = a.choose(s.Schema)
	g.Names = chosenNames(g.Choices)
	for _, name := range g.Names {
		table := s.Schema.Relation(name)
		g.Tables = append(g.Tables, TableGoal{Target: a.Target(s.Schema.Name, table, s.Direction), Table: table, Names: []string{name}})
	}
	values := s.Policy.Values
	g.Refusals = append(values.refuseUnknownTables(s.Schema.Name, g.Names), values.refuseUnusedPatterns(s.Schema, g.Names)...)
	return g
}

// refuseSchema returns the refusals that make it pointless to inspect the tables.
func (a Selection) refuseSchema(s Input) problem.List {
	name := s.Schema.Name
	switch {
	case strings.HasPrefix(name, "pg_") || name == "information_schema" || name == "rekey":
		return problem.List{message.SystemSchema(name)}
	case !s.Schema.Exists:
		return problem.List{message.UnknownSchema(name, s.Elsewhere)}
	case !s.Schema.Usage:
		return problem.List{message.NoUsage(name, s.Server.Role.Name)}
	}
	var found problem.List
	for _, pattern := range discover.Unmatched(s.Schema, a.Filter) {
		found = append(found, message.NoMatch(name, pattern, relationNames(s.Schema)))
	}
	for _, table := range a.unknownOverrides(s.Schema) {
		found = append(found, message.NoMatch(name, table, relationNames(s.Schema)))
	}
	return found
}

// unknownOverrides returns the tables that have overrides and do not exist.
func (a Selection) unknownOverrides(schema catalog.Schema) []string {
	var names []string
	for name := range a.Overrides {
		if schema.Relation(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// relationNames returns the names of the schema's relations that hold rows.
func relationNames(schema catalog.Schema) []string {
	choices := discover.Choose(schema, discover.Filter{})
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = c.Table
	}
	return names
}
