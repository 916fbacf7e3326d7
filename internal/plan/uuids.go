package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// uuidNotes returns a note for each name of a uuid column that tables already have and that the run does not use: those
// tables would get a second one.
func uuidNotes(p Plan) []string {
	if p.Direction == Down {
		return nil
	}
	tables := map[string][]string{}
	var columns []string
	for _, g := range p.Targets() {
		table := p.Schema.Named(g.Table)
		if origin, _ := g.Target.Read(table); origin != step.Absent || g.State == Refused {
			continue
		}
		for _, name := range otherUUIDs(table) {
			if !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
			tables[name] = append(tables[name], g.Table.Name)
		}
	}
	lines := make([]string, len(columns))
	for i, name := range columns {
		lines[i] = fmt.Sprintf("Column %s of %s is already a uuid that identifies the row, and the table would get a second one. To use the existing one: --tables '%s' --column '%s'. "+
			"For a single table in rekey.yaml: overrides: {%s: {column: %s}}.",
			name, strings.Join(tables[name], ", "), strings.Join(patternsOf(tables[name]), ","), name, tables[name][0], name)
	}
	return lines
}

// otherUUIDs returns the uuid columns of a table that are NOT NULL or unique and refer to no other table.
func otherUUIDs(table *catalog.Table) (names []string) {
	for _, c := range table.Columns {
		refers := slices.ContainsFunc(table.Constraints, func(k catalog.Constraint) bool { return k.Kind == "f" && slices.Contains(k.Columns, c.Name) })
		inWiderKey := slices.ContainsFunc(table.Indexes, func(i catalog.Index) bool { // in a key of several columns it identifies something else
			return i.Unique && len(i.Columns) > 1 && slices.Contains(i.Columns, c.Name)
		})
		if c.Type == "uuid" && !refers && !c.Generated && (table.UniqueOn(c.Name) || c.NotNull && !inWiderKey) {
			names = append(names, c.Name)
		}
	}
	return names
}

// patternsOf returns names as patterns that match only them.
func patternsOf(names []string) []string {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `,`, `\,`)
	patterns := make([]string, len(names))
	for i, name := range names {
		patterns[i] = escape.Replace(name)
	}
	return patterns
}
