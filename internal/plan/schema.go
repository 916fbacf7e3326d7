package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// buildSchemaRun returns the plan of a schema run.
func buildSchemaRun(s Input) Plan {
	p := Plan{
		Direction: s.Direction, SchemaName: s.Schema.Name, Column: s.Selection.NamingFor("").Column,
		Server: s.Server, Schema: s.Schema, Data: s.Data, Parts: s.Parts, values: s.Policy.Values,
	}
	if p.Refusals = refuseSchema(s); p.Refusals != nil {
		return p
	}
	p.Names = s.Selection.Chosen(s.Schema)
	for _, name := range p.Names {
		table := s.Schema.Relation(name)
		entry := profile.Table{Name: name}
		p.Groups = append(p.Groups, p.group(s.Policy.Values, entry, s.Selection.Target(s.Schema.Name, table, s.Direction), table))
	}
	if p.Refusals = append(s.Policy.Values.refuseUnknownTables(s.Schema.Name, p.Names), s.Policy.Values.refuseUnusedPatterns(s.Schema, p.Names)...); p.Refusals != nil {
		return p
	}
	found := append(refuse(s, p), refuseSameIndex(&p)...)
	addHints(s, found)
	p.Refusals, p.Skipped = p.split(s.Policy, found)
	p.Relations = p.relations(s, found)
	p.Groups = slices.DeleteFunc(p.Groups, func(g Group) bool { return g.State == Refused && s.Policy.SkipRefused })
	if p.usesFunction() {
		p.Groups = append([]Group{p.functionGroup()}, p.Groups...)
	}
	p.Notes, p.Code = notes(s, p), p.code(s)
	if s.Direction == Down {
		p.reverse()
	}
	return p
}

// refuseSchema returns the refusals that make it pointless to inspect the tables.
func refuseSchema(s Input) problem.List {
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
	for _, pattern := range discover.Unmatched(s.Schema, s.Selection.Filter) {
		found = append(found, message.NoMatch(name, pattern, relationNames(s.Schema)))
	}
	for _, table := range unknownOverrides(s) {
		found = append(found, message.NoMatch(name, table, relationNames(s.Schema)))
	}
	return found
}

// unknownOverrides returns the tables that have overrides and do not exist.
func unknownOverrides(s Input) []string {
	var names []string
	for name := range s.Selection.Overrides {
		if s.Schema.Relation(name) == nil {
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

// refuseSameIndex refuses a table whose index would have the same name as another table's.
func refuseSameIndex(p *Plan) problem.List {
	var found problem.List
	owner := map[string]string{}
	for i := range p.Groups {
		g := &p.Groups[i]
		indexes := indexesOf(g.Target, p.Schema.Relation(g.Table))
		for _, index := range indexes {
			if other, taken := owner[index.Schema+"."+index.Name]; taken && p.Direction == Up {
				g.State = Refused
				found = append(found, message.DuplicateIndexName(g.Target.String(), index.Name, other))
				break
			}
		}
		if g.State == Refused {
			continue
		}
		for _, index := range indexes {
			owner[index.Schema+"."+index.Name] = g.Target.String()
		}
	}
	return found
}

// indexesOf returns the names of the indexes that a table and the tables below it get.
func indexesOf(t step.Target, table *catalog.Table) []sqltext.Table {
	all := []sqltext.Table{{Schema: t.Schema, Name: t.Index}}
	if table.IsTree() {
		for _, one := range slices.Concat(t.Parts(table), t.Partitioned(table)) {
			if index := (sqltext.Table{Schema: one.Schema, Name: one.Index}); !slices.Contains(all, index) {
				all = append(all, index)
			}
		}
	}
	return all
}

// addHints adds to each hint which setting of a schema run can help.
func addHints(s Input, found problem.List) {
	for _, p := range found {
		switch p.Code {
		case "column_type", "text_column", "generated_column":
			p.Hint += " Or name the new columns differently: --column public_uuid."
		case "index_name_taken", "index_differs":
			p.Hint += " Or name the indexes differently: --index-name '{table}_{column}_key'."
		}
		if p.Table != "" && !s.Policy.SkipRefused {
			p.Hint += " Or skip the refused tables: --skip-refused."
		}
	}
}

// split separates the refusals of the run from the refusals of single tables, which --skip-refused skips.
func (p Plan) split(policy Policy, found problem.List) (refusals, skipped problem.List) {
	if !policy.SkipRefused {
		return found, nil
	}
	for _, one := range found {
		if one.Table == "" {
			refusals = append(refusals, one)
		} else {
			skipped = append(skipped, one)
		}
	}
	return refusals, skipped
}

// usesFunction reports whether any table needs the schema's function: it has pending work, or its column calls the
// function already.
func (p Plan) usesFunction() bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool {
		if work, _ := p.work(g); work {
			return true
		}
		c := p.Schema.Relation(g.Table).Column(g.Target.Column)
		return c != nil && g.Target.CallsFunction(c)
	})
}

// Function reports whether the schema's function is part of the plan.
func (p Plan) Function() bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool {
		return slices.ContainsFunc(g.Steps, func(s step.Step) bool { _, ok := s.(step.EnsureFunction); return ok })
	})
}
