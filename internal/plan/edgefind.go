package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// linkFinder finds the references of tables and decides which of them become edges.
type linkFinder struct {
	input   Input
	goals   Goals
	tables  map[sqltext.Table]*catalog.Table
	uuids   map[sqltext.Table]step.Target  // of the tables that get the uuid
	refused map[sqltext.Table]bool         // of these tables
	roots   map[uint32]*catalog.Table      // the goal's table of each table below it
	library map[string][]profile.Reference // by the child's name
	named   map[string][]Reference         // by child
	// functions has the edges by their trigger functions.
	functions map[sqltext.Table]EdgeKey

	unsupported []Unsupported
}

func newLinkFinder(p Plan, s Input, goals Goals) linkFinder {
	f := linkFinder{
		input: s, goals: goals, tables: map[sqltext.Table]*catalog.Table{}, uuids: map[sqltext.Table]step.Target{}, refused: map[sqltext.Table]bool{},
		roots: map[uint32]*catalog.Table{}, named: map[string][]Reference{},
	}
	for i := range s.Schema.Relations {
		f.tables[s.Schema.Relations[i].Named()] = &s.Schema.Relations[i]
	}
	for i := range s.Schema.OtherSchemas {
		if t := &s.Schema.OtherSchemas[i]; f.tables[t.Named()] == nil {
			f.tables[t.Named()] = t
		}
	}
	for _, g := range p.Targets() {
		f.uuids[g.Target.Name()], f.refused[g.Target.Name()] = g.Target, g.State == Refused
	}
	for _, goal := range goals.Tables {
		for i := range goal.Table.Below {
			f.roots[goal.Table.Below[i].OID] = goal.Table
			f.tables[goal.Table.Below[i].Named()] = &goal.Table.Below[i]
		}
	}
	f.functions = markedFunctions(f.tables)
	if s.Direction == Up && s.Goal.AtLeast(Linked) {
		f.unsupported = s.unsupported(goals, false)
	}
	for _, r := range s.Selection.References {
		f.named[r.Child] = append(f.named[r.Child], r)
	}
	f.library = libraryReferences(goals)
	return f
}

// children returns the tables whose references can become edges: those that get a uuid, the tables that inherit from them,
// tables of a library that refer to them, and those whose primary key is a uuid already.
func (f linkFinder) children() []*catalog.Table {
	var tables []*catalog.Table
	known := map[uint32]bool{}
	add := func(table *catalog.Table) {
		if (table.Kind == catalog.Ordinary || table.Kind == catalog.Partitioned) && !known[table.OID] {
			known[table.OID] = true
			tables = append(tables, table)
		}
	}
	for _, goal := range f.goals.Tables {
		add(goal.Table)
		for i := range goal.Table.Below {
			if below := &goal.Table.Below[i]; goal.Table.Kind == catalog.Ordinary || f.ownKeys(below) {
				add(below)
			}
		}
	}
	for _, table := range f.goals.Referencing {
		add(table)
	}
	for _, c := range f.goals.Choices {
		if table := f.tables[sqltext.Table{Schema: f.input.Schema.Name, Name: c.Table}]; c.OnlyIfNamed && table != nil && uuidKey(table) != "" {
			add(table)
		}
	}
	return tables
}

// ownKeys reports whether a partition has a foreign key of its own, which a run to phase linked refuses by name.
func (f linkFinder) ownKeys(partition *catalog.Table) bool {
	return f.input.Direction == Up && f.input.Goal.AtLeast(Linked) && f.tables[partition.Named()] != nil &&
		slices.ContainsFunc(partition.ForeignKeys, func(k catalog.ForeignKey) bool { return k.Above == 0 && !step.IsTemporaryIndex(k.Name) })
}

// of returns the references of a table: those with a foreign key, and those without one that the user names or for which up made a column.
func (f linkFinder) of(child *catalog.Table) []Link {
	var links []Link
	for i := range child.ForeignKeys {
		if k := &child.ForeignKeys[i]; k.Above == 0 && !step.IsTemporaryIndex(k.Name) { // an interrupted switch leaves a twin next to the original
			if l := f.fromKey(child, *k); l != nil {
				links = append(links, *l)
			}
		}
	}
	links = f.withoutCopies(child, links)
	for _, r := range f.references(child) {
		at := slices.IndexFunc(links, func(l Link) bool { return l.Edge.Column == r.Column })
		if at < 0 {
			links = append(links, f.fromReference(child, r))
		} else if k := links[at].Edge.Reference; r.named && !k.Parent.Same(r.Parent) && f.input.Direction == Up {
			links[at].problems = append(links[at].problems, message.BadReference(links[at].String(), r.Parent.String(),
				"the column has foreign key "+k.Name+" onto "+k.Parent.String(), "Omit it, or name another column"))
			links[at].State = Refused
		}
	}
	f.noteImplied(child, links)
	f.name(child, links)
	for i := range links {
		if l := &links[i]; l.Edge.UUID != "" {
			f.complete(child, l)
		}
	}
	return links
}

// withoutCopies joins the foreign keys on one column that refer to the same key, and refuses those onto another table: a
// column gets one uuid column, with one foreign key.
func (f linkFinder) withoutCopies(child *catalog.Table, links []Link) []Link {
	first, marks := map[string]int{}, marksOf(child)
	var kept []Link
	for _, l := range links {
		at, again := first[l.Edge.Column]
		switch {
		case l.State != "":
		case !again:
			first[l.Edge.Column] = len(kept)
		case kept[at].Edge.Parent == l.Edge.Parent && kept[at].Edge.Key == l.Edge.Key:
			kept[at].Notes = append(kept[at].Notes, "foreign key "+l.Edge.Reference.Name+" on the same column gets no counterpart of its own")
			continue
		default:
			if l.Edge.Reference.Name == marks[l.Edge.Column].mark.Reference { // up made the uuid column for it
				l, kept[at] = kept[at], l
			}
			l.problems = append(l.problems, message.EdgeConflict(l.String(), l.Edge.Reference.Name, kept[at].Edge.Reference.Name))
			l.State = Refused
		}
		kept = append(kept, l)
	}
	return kept
}

// skip records why a reference is no edge of the run.
func (l *Link) skip(why string) { l.State, l.Why = Skipped, why }

// inherits reports whether a table belongs to an inheritance tree.
func (f linkFinder) inherits(child *catalog.Table) bool {
	return child.Kind == catalog.Ordinary && (len(child.Below) > 0 || f.roots[child.OID] != nil)
}

// fromKey returns the link of a foreign key; nil if it does not refer to an integer.
func (f linkFinder) fromKey(child *catalog.Table, k catalog.ForeignKey) *Link {
	parent := f.tables[k.Parent]
	l := &Link{Edge: step.Edge{Child: f.childName(child), Parent: parentName(k.Parent, parent), Reference: k}}
	integers := slices.DeleteFunc(slices.Clone(k.ChildColumns), func(name string) bool { c := child.Column(name); return c == nil || !c.Integer() })
	if len(integers) == 0 {
		return nil
	}
	l.Edge.Column = integers[0]
	l.Edge.Key = k.ReferencedColumn(l.Edge.Column)
	switch {
	case f.input.Direction == Down: // the mark says which columns up made; the parent may not be there
	case k.Parent.Schema != child.Schema && !slices.Contains(f.input.Selection.Parents, k.Parent.Schema) && !linkedBefore(child, k):
		l.problems, l.State = append(l.problems, message.EdgeOtherSchema(l.String(), k.Name, k.Parent.String(), k.Parent.Schema)), Refused
		return l
	case parent == nil: // a profile does not cover it, or it was dropped between two queries
		l.skip("its parent " + k.Parent.String() + " is not among the tables of this run")
		return l
	}
	if parent == nil {
		l.Edge.ParentUUID = f.goals.Column
		return l
	}
	uuid, ok := f.uuidOf(parent)
	if slices.Contains(k.ParentColumns, uuid) && ok {
		return nil // the foreign key of an edge
	}
	column, isEdge := idPart(k, child, parent)
	if column != "" {
		l.Edge.Column, l.Edge.Key = column, k.ReferencedColumn(column)
	}
	if !isEdge && (ok && len(f.impliedBy(child, k)) > 0 || f.input.Direction == Down && marksOf(child)[l.Edge.Column].mark.Reference != k.Name) {
		return nil // its columns are references of their own
	}
	f.decide(l, child, parent, isEdge)
	return l
}

// decide sets to which uuid column a foreign key refers, or why it is no edge of the run. isEdge says that a column of it identifies a row.
func (f linkFinder) decide(l *Link, child, parent *catalog.Table, isEdge bool) {
	k := l.Edge.Reference
	uuid, ok := f.uuidOf(parent)
	switch {
	case f.input.Direction == Down:
		l.Edge.ParentUUID = uuid
	case !ok:
		f.withoutUUID(l, k.Parent)
	case f.refused[k.Parent]:
		l.skip("it needs " + k.Parent.String() + ", which is refused")
	case f.refused[f.rootName(child)]:
		l.skip("its table is refused")
	case !isEdge && len(k.ChildColumns) == 1:
		l.problems, l.State = append(l.problems, message.EdgeUnsupported(l.String(), k.Name, "it refers to "+k.Parent.String()+"."+l.Edge.Key+", which is "+parent.Column(l.Edge.Key).Type, "Make both columns integers of one type")), Refused
	case !isEdge:
		l.keeps = true
		l.skip("none of its columns (" + strings.Join(k.ParentColumns, ", ") + ") is known to identify a row, and none is a reference there: the key is made of values, and keeps them")
	default:
		l.Edge.ParentUUID = uuid
	}
}

// linkedBefore reports whether up has made a column for a foreign key: the other schema was named then.
func linkedBefore(child *catalog.Table, k catalog.ForeignKey) bool {
	for column, made := range marksOf(child) {
		if slices.Contains(k.ChildColumns, column) && made.mark.Parent.Same(k.Parent) {
			return true
		}
	}
	return false
}

// withoutUUID skips the link to a parent that is not selected, and refuses one to another schema that has no uuid yet.
func (f linkFinder) withoutUUID(l *Link, parent sqltext.Table) {
	if parent.Schema == f.input.Schema.Name {
		l.skip("its parent " + parent.String() + " gets no uuid column: it is not selected")
		return
	}
	l.problems, l.State = append(l.problems, message.EdgeParentNotExpanded(l.String(), parent.String(), parent.Schema)), Refused
}

// uuidOf returns the column of a table to which the uuid foreign keys refer: the one that the table gets or, for a table that
// is not among the goals, one of that name that fits.
func (f linkFinder) uuidOf(parent *catalog.Table) (column string, ok bool) {
	if t, isGoal := f.uuids[parent.Named()]; isGoal {
		return t.Column, true
	}
	name := firstNonEmpty(f.input.Selection.Overrides[parent.Name].Column, f.goals.Column)
	c := parent.Column(name)
	unique := slices.ContainsFunc(parent.Indexes, func(i catalog.Index) bool {
		return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && slices.Contains(i.Columns, name) &&
			(len(i.Columns) == 1 || parent.Kind == catalog.Partitioned)
	})
	return name, c != nil && c.Type == "uuid" && c.NotNull && unique
}

// rootName returns the name of the goal's table to which a table belongs.
func (f linkFinder) rootName(child *catalog.Table) sqltext.Table {
	if root := f.roots[child.OID]; root != nil {
		return root.Named()
	}
	return child.Named()
}

// childName returns the name of a child. Each table of an inheritance tree is an edge of its own.
func (f linkFinder) childName(child *catalog.Table) sqltext.Table {
	name := child.Named()
	name.Only = f.inherits(child)
	return name
}

// parentName returns the name of a parent. A foreign key does not see the rows of tables that inherit from it.
func parentName(name sqltext.Table, parent *catalog.Table) sqltext.Table {
	name.Only = parent == nil || parent.Kind != catalog.Partitioned
	return name
}

// idPart returns the column of a foreign key that identifies a row of the parent: the only integer, or of several the one
// that is unique on its own, or the one with a sequence, or the one that is no reference itself.
func idPart(k catalog.ForeignKey, child, parent *catalog.Table) (column string, ok bool) {
	var pairs []int
	for i, name := range k.ChildColumns {
		c, key := child.Column(name), parent.Column(k.ParentColumns[i])
		if c != nil && key != nil && c.Integer() && key.Integer() {
			pairs = append(pairs, i)
		}
	}
	isKey := func(i int) bool { return slices.Contains(parent.PartitionKey, k.ParentColumns[i]) }
	if len(pairs) > 1 {
		pairs = slices.DeleteFunc(pairs, isKey)
	}
	for _, fits := range []func(string) bool{
		func(string) bool { return true },
		parent.UniqueOn,
		func(name string) bool { return generated(parent.Column(name)) },
		func(name string) bool { return !refers(parent, name) },
	} {
		var fitting []int
		for _, i := range pairs {
			if fits(k.ParentColumns[i]) {
				fitting = append(fitting, i)
			}
		}
		if len(fitting) == 1 && (len(k.ChildColumns) == 1 || !refers(parent, k.ParentColumns[fitting[0]]) || parent.UniqueOn(k.ParentColumns[fitting[0]])) {
			return k.ChildColumns[fitting[0]], true
		}
	}
	if len(pairs) > 0 {
		return k.ChildColumns[pairs[0]], false
	}
	return "", false
}

// generated reports whether the values of a column come from a sequence.
func generated(c *catalog.Column) bool {
	return c.Identity != "" || len(c.Default) > len("nextval(") && c.Default[:len("nextval(")] == "nextval("
}

// refers reports whether a column is part of a foreign key of the table onto another one.
func refers(table *catalog.Table, column string) bool {
	return slices.ContainsFunc(table.ForeignKeys, func(k catalog.ForeignKey) bool {
		return !k.SelfReference() && slices.Contains(k.ChildColumns, column)
	})
}
