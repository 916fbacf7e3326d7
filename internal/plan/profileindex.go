package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
)

// kitTarget names what a table of a profile is to get. Its index has the name that the change gave it, also when the table
// was renamed since: renaming a table renames no index.
func kitTarget(schema string, kit profile.Table, column string, table *catalog.Table, direction Direction) step.Target {
	t := TargetOf(schema, table.Name, column)
	names := indexNames(kit, column)
	t.Index = names[0]
	own := func(accept func(*catalog.Index) bool) bool {
		at := slices.IndexFunc(names, func(name string) bool { i := table.Index(name); return i != nil && accept(i) })
		if at >= 0 {
			t.Index = names[at]
		}
		return at >= 0
	}
	switch {
	case own(t.Serves):
	case direction == Up && t.HasEquivalentIndex(table):
		t.Index = serving(t, table)
	default:
		own(t.IndexFits) // a build that was cut short: it is dropped and made again
	}
	t.Aliases = slices.DeleteFunc(names, func(name string) bool { return name == t.Index })
	return t
}

// indexNames are the names that up gives the index of a profile's table, or gave it when it still followed the table's name.
func indexNames(kit profile.Table, column string) []string {
	var names []string
	for _, name := range kit.Names() {
		names = append(names, Name(name, column, "idx"))
	}
	return names
}
