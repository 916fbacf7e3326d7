package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// EdgeState is how far an edge is. The catalogue shows it, except whether every row is filled.
type EdgeState string

// The states of an edge, in order.
const (
	EdgeNone       EdgeState = "none"       // no uuid column
	EdgeWired      EdgeState = "wired"      // column and triggers
	EdgeFilled     EdgeState = "filled"     // every row has a value, as far as its parent exists
	EdgeMirrored   EdgeState = "mirrored"   // every index of the integer column has a twin
	EdgeLinked     EdgeState = "linked"     // the uuid foreign key is valid
	EdgeContracted EdgeState = "contracted" // the integer column has ended
)

// EdgeKey identifies an edge: by its child and the child's integer column.
type EdgeKey struct {
	Child  sqltext.Table
	Column string
}

// of returns the key of the same column of another table.
func (k EdgeKey) of(table *catalog.Table) EdgeKey {
	return EdgeKey{Child: table.Named(), Column: k.Column}
}

// KeyOf returns the key of an edge.
func KeyOf(e step.Edge) EdgeKey { return EdgeKey{Child: e.Child.All(), Column: e.Column} }

// EdgeRows is what the rows of an edge show. An edge whose rows were not read has none.
type EdgeRows struct {
	Unfilled bool  // a row with a parent has no uuid
	Orphans  int64 // rows whose integer refers to no row of the parent
}

// Link is one reference of the schema from a table to another, and what the run does with it.
type Link struct {
	Edge     step.Edge // of a link that is no edge, only Child, Parent, Column and Reference
	Progress EdgeState
	// State is pending, incomplete, complete, skipped or refused.
	State   State
	Missing []string // what an incomplete edge lacks
	Why     string   // why it is skipped or refused
	Hint    string   // what would help
	Level   int      // 0 for a table that refers to no other; a table is on a higher level than its parents
	Cycle   []string // the tables of the cycle of foreign keys to which the edge belongs, sorted; nil without one
	Notes   []string

	problems problem.List // found while the edge was composed
	made     bool         // up made the uuid column
	damaged  bool         // up made it, and the catalogue no longer says so, or for something else
	implied  *implied     // the composite foreign key from which the reference follows; nil for others
	keeps    bool         // skipped for good: its key is made of values
	ended    string       // the uuid column of an edge whose integer has ended
}

// String returns the name of the edge, for messages and events.
func (l Link) String() string { return l.Edge.String() }

// Ended returns the uuid column of an edge whose integer column was dropped after a proof; "" for others.
func (l Link) Ended() string { return l.ended }

// links returns every reference of the tables of the goals, in the order of the way up: parents before children. On the way
// down it returns those for which up made a column.
func (f linkFinder) links() []Link {
	links := f.unknownReferences()
	for _, child := range f.children() {
		links = append(links, f.of(child)...)
	}
	for i := range links {
		if l := &links[i]; l.Edge.UUID != "" {
			child := f.tables[l.Edge.Child.All()]
			origin, _ := l.Edge.ReadMark(child)
			l.made, l.damaged = origin == step.Made, lostMark(l.Edge, child, nil) != nil
		}
	}
	links = append(append(links, f.strays(links)...), f.contracted()...)
	if f.input.Direction == Down {
		links = slices.DeleteFunc(links, func(l Link) bool { return !l.made && !l.damaged })
	}
	f.setLevels(links)
	slices.SortStableFunc(links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(f.depth(a.Edge.Child.All()), f.depth(b.Edge.Child.All())), cmp.Compare(a.Edge.Child.Schema, b.Edge.Child.Schema), cmp.Compare(a.Edge.Child.Name, b.Edge.Child.Name))
	})
	return links
}

// addEdges adds the links of the schema and the groups of the edges if the run is about them, and returns why edges are
// refused. The groups of the tables have their states already. Down to the phase expanded leaves the tables as they are.
// Without a goal, as for status and verify, the plan has the links of a schema that has edges, and no groups of them.
func (p *Plan) addEdges(s Input, goals Goals) problem.List {
	shown := p.Direction == Up && s.Goal == "" && HasEdges(s.Schema)
	down := p.Direction == Down && s.Goal == Expanded
	if !shown && !down && (p.Direction == Down || !s.Goal.AtLeast(Linked)) {
		return nil
	}
	finder := newLinkFinder(*p, s, goals)
	p.Links = finder.links()
	if shown {
		finder.settle(p.Links, func(l *Link) {
			if l.Why == "" {
				l.Why = joinedProblems(l.problems)
			}
		})
		return nil
	}
	if down {
		defer func() { p.Groups = p.Edges() }()
	} else {
		p.Candidates, p.Unsupported = s.candidates(goals, p.Links), finder.unsupported
	}
	check, found := newEdgeCheck(s, finder), finder.unusedParents()
	finder.settle(p.Links, func(l *Link) {
		problems := check.refuse(l)
		for _, one := range problems {
			l.State, l.Why, l.Hint = Refused, joined(l.Why, one.Error()), joined(l.Hint, one.Hint)
		}
		found = append(found, problems...)
		if l.Edge.UUID != "" && (l.State != Refused || !s.Policy.SkipRefused) {
			p.Groups = append(p.Groups, p.withTodo(l.group()))
		}
	})
	return found
}

// settle sets the index twins and the progress of each link in order, and calls decide, which may refuse it. The twins of an edge
// hold the uuid columns of the child's edges before it that are not refused.
func (f linkFinder) settle(links []Link, decide func(*Link)) {
	earlier, without := map[sqltext.Table][]step.ColumnPair{}, map[EdgeKey]bool{}
	for i := range links {
		l := &links[i]
		child := l.Edge.Child.All()
		if l.Edge.UUID != "" {
			f.setTwins(l, earlier[child])
			f.chooseArbiters(links, i)
			l.progress(f.input, f.tables[child])
		}
		if above := f.above(f.tables[child]); above != nil && l.Edge.Inherited && without[KeyOf(l.Edge).of(above)] {
			l.skip("it needs the uuid column of " + above.Named().String() + ", which gets none")
		}
		if l.State != Skipped {
			decide(l)
		}
		without[KeyOf(l.Edge)] = l.State == Skipped || l.State == Refused
		if l.Edge.UUID != "" && l.State != Skipped && l.State != Refused {
			earlier[child] = append(earlier[child], step.ColumnPair{Integer: l.Edge.Column, UUID: l.Edge.UUID})
		}
	}
}

// group returns the group of an edge.
func (l Link) group() Group {
	edge := l.Edge
	return Group{
		Table: edge.Child.All(), Target: edge.Target(), Edge: &edge, Phase: Linked, State: l.State, Missing: l.Missing, Progress: l.Progress,
		Order: Order{Source: ByClock, Why: "the values are the parents'"}, Steps: step.EdgeSteps(edge),
	}
}

// refuseLaterPhase refuses to go down to a phase while the schema is in a later one than the next.
func refuseLaterPhase(s Input) problem.List {
	if names := endedIn(s.Schema); names != nil {
		return problem.List{message.Contracted(s.Schema.Name, names)}
	}
	if names := keysRemain(s); names != nil && !s.Goal.AtLeast(Linked) {
		return problem.List{message.KeysSwitched(s.Schema.Name, names)}
	}
	if s.Goal.AtLeast(Expanded) {
		return nil
	}
	return refuseEdgesRemain(s)
}

// refuseEdgesRemain refuses to remove the uuids of tables while edges refer to them.
func refuseEdgesRemain(s Input) problem.List {
	var names []string
	for i := range s.Schema.Relations {
		table := &s.Schema.Relations[i]
		for j := range table.Columns {
			if mark, ok := step.ReadEdgeMark(&table.Columns[j]); ok && mark.Newer == 0 && (mark.Unreadable || mark.Child.Same(table.Named())) {
				names = append(names, table.Named().String()+"."+table.Columns[j].Name)
			}
		}
		for _, t := range table.Triggers { // of a table that was renamed, or whose mark was removed
			if name := table.Named().String(); t.OfEdge() && !table.Partition && !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, name+".") }) {
				names = append(names, name+"."+t.Name)
			}
		}
	}
	if names == nil {
		return nil
	}
	return problem.List{message.EdgesRemain(s.Schema.Name, names)}
}
