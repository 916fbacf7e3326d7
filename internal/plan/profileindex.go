package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
)

// profileTarget returns the names of the objects that a table of a profile gets. The index keeps the name that up gave it
// even if the table was renamed later, since renaming a table renames no index.
func profileTarget(schema string, entry profile.Table, column string, table *catalog.Table, direction Direction) step.Target {
	t := TargetOf(schema, table.Name, column)
	names := indexNames(entry, column)
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
