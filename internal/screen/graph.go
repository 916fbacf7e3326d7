package screen

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
)

// parentsOf returns the tables that edges refer to, in the order in which the edges name them: an edge comes after the edges of
// its parent, so that parents come first.
func parentsOf(edges []rekey.Edge) (names []string) {
	for _, e := range edges {
		if !slices.Contains(names, e.Parent) {
			names = append(names, e.Parent)
		}
	}
	return names
}

// tablesOfEdges returns the tables on both ends, parents first.
func tablesOfEdges(edges []rekey.Edge) (names []string) {
	seen := map[string]bool{}
	for _, e := range edges {
		for _, name := range []string{e.Parent, e.Table} {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// cyclesOf returns the cycles of several tables, each once.
func cyclesOf(edges []rekey.Edge) (cycles []string) {
	for _, e := range edges {
		if text := strings.Join(e.Cycle, ", "); len(e.Cycle) > 1 && !slices.Contains(cycles, text) {
			cycles = append(cycles, text)
		}
	}
	return cycles
}

// inCycle reports whether a table is in a cycle of several tables.
func inCycle(edges []rekey.Edge, table string) bool {
	return slices.ContainsFunc(edges, func(e rekey.Edge) bool { return len(e.Cycle) > 1 && slices.Contains(e.Cycle, table) })
}
