package screen

import (
	"slices"

	"github.com/rekey-pg/rekey"
)

// graph is the tables of edges, parents before children.
type graph struct {
	order  []string            // every table once
	cycles [][]string          // tables that refer to each other, in the order of the edges
	edges  map[string][]string // the tables that a table refers to, without itself
}

// graphOf orders the tables of edges. Tables that are alike stay in the order of the edges.
func graphOf(edges []rekey.Edge) graph {
	g := graph{edges: map[string][]string{}}
	var names []string
	for _, e := range edges {
		for _, name := range []string{e.Parent, e.Table} {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if e.Parent != e.Table && !slices.Contains(g.edges[e.Table], e.Parent) {
			g.edges[e.Table] = append(g.edges[e.Table], e.Parent)
		}
	}
	s := search{graph: &g, names: names, index: map[string]int{}, low: map[string]int{}}
	for _, name := range names {
		if s.index[name] == 0 {
			s.visit(name)
		}
	}
	return g
}

// cycleOf returns the tables of the cycle that a table is in; nil if it is in none.
func (g graph) cycleOf(name string) []string {
	for _, cycle := range g.cycles {
		if slices.Contains(cycle, name) {
			return cycle
		}
	}
	return nil
}

// search is Tarjan's search for strongly connected components. It finishes the parents of a table before the table.
type search struct {
	graph      *graph
	names      []string
	index, low map[string]int // index is 0 for a table that was not visited
	stack      []string
}

func (s *search) visit(name string) {
	s.index[name] = len(s.index) + 1
	s.low[name] = s.index[name]
	s.stack = append(s.stack, name)
	for _, parent := range s.graph.edges[name] {
		switch {
		case s.index[parent] == 0:
			s.visit(parent)
			s.low[name] = min(s.low[name], s.low[parent])
		case slices.Contains(s.stack, parent):
			s.low[name] = min(s.low[name], s.index[parent])
		}
	}
	if s.low[name] != s.index[name] {
		return
	}
	at := slices.Index(s.stack, name)
	component := slices.Clone(s.stack[at:])
	s.stack = s.stack[:at]
	slices.SortFunc(component, func(a, b string) int { return slices.Index(s.names, a) - slices.Index(s.names, b) })
	s.graph.order = append(s.graph.order, component...)
	if len(component) > 1 {
		s.graph.cycles = append(s.graph.cycles, component)
	}
}
