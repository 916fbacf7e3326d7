package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// setLevels sets the level and the cycle of each link. Tables that refer to each other in a circle have one level. A table that
// inherits its columns has a higher level than the tables above it, which get the uuid columns first.
func (f linkFinder) setLevels(links []Link) {
	g := graph{parents: map[sqltext.Table][]sqltext.Table{}, order: map[sqltext.Table]int{}, lowest: map[sqltext.Table]int{}, cycle: map[sqltext.Table]int{}}
	var children []sqltext.Table
	for _, l := range links {
		child, parent := l.Edge.Child.All(), l.Edge.Parent.All()
		if g.parents[child] == nil {
			children = append(children, child)
			for t := f.above(f.tables[child]); t != nil; t = f.above(t) {
				g.parents[child] = append(g.parents[child], t.Named())
			}
		}
		g.parents[child] = append(g.parents[child], parent)
	}
	for _, child := range children {
		if g.order[child] == 0 {
			g.visit(child)
		}
	}
	for i := range links {
		l := &links[i]
		child, parent := l.Edge.Child.All(), l.Edge.Parent.All()
		c := g.cycle[child]
		l.Level = g.levels[c]
		if c == g.cycle[parent] {
			l.Cycle = g.members[c]
		}
	}
}

// graph finds the cycles of references: the strongly connected tables, by Tarjan's algorithm. It completes the parents' cycle
// before the children's, so that their level is known.
type graph struct {
	parents       map[sqltext.Table][]sqltext.Table
	order, lowest map[sqltext.Table]int // order is 0 for a table that was not visited
	stack         []sqltext.Table
	cycle         map[sqltext.Table]int // position of the table's cycle in members and levels, after its completion
	members       [][]string
	levels        []int
	visited       int
}

func (g *graph) visit(table sqltext.Table) {
	g.visited++
	g.order[table], g.lowest[table] = g.visited, g.visited
	g.stack = append(g.stack, table)
	for _, parent := range g.parents[table] {
		_, complete := g.cycle[parent]
		switch {
		case g.order[parent] == 0:
			g.visit(parent)
			g.lowest[table] = min(g.lowest[table], g.lowest[parent])
		case !complete:
			g.lowest[table] = min(g.lowest[table], g.order[parent])
		}
	}
	if g.lowest[table] == g.order[table] {
		g.finish(table)
	}
}

// finish completes a cycle, whose first visited table is given.
func (g *graph) finish(first sqltext.Table) {
	at := slices.Index(g.stack, first)
	tables := g.stack[at:]
	var names []string
	level := 0
	for _, t := range tables {
		g.cycle[t] = len(g.members)
		names = append(names, t.String())
	}
	for _, t := range tables {
		for _, parent := range g.parents[t] {
			if c := g.cycle[parent]; c != len(g.members) {
				level = max(level, g.levels[c]+1)
			}
		}
	}
	slices.Sort(names)
	g.members, g.levels = append(g.members, names), append(g.levels, level)
	g.stack = g.stack[:at]
}
