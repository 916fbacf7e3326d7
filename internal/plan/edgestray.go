package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// A stray is what up made for an edge and what no edge accounts for: the table or the integer column was renamed or dropped
// since, or the mark was edited or removed. Its triggers may still fire. A run changes nothing of it, and status, verify and every
// run name it.

// strays returns a link for each stray of the schema. links are the edges of the schema.
func (f linkFinder) strays(links []Link) []Link {
	edges := map[sqltext.Table][]Link{} // by child
	for _, l := range links {
		if child := l.Edge.Child.All(); l.Edge.UUID != "" {
			edges[child] = append(edges[child], l)
		}
	}
	var found []Link
	for _, table := range f.tablesOfEdges() {
		known := map[string]bool{} // the uuid columns and the triggers of its edges
		for _, l := range edges[table.Named()] {
			known[l.Edge.UUID] = true
			for _, name := range l.Edge.TriggerNames() {
				known[name] = true
			}
		}
		found = append(found, f.straysOf(table, known)...)
	}
	return found
}

// contracted returns a link for each edge whose integer column was dropped after a proof.
func (f linkFinder) contracted() []Link {
	var found []Link
	for _, table := range f.tablesOfEdges() {
		for i := range table.Columns {
			c := &table.Columns[i]
			if mark, ok := step.ReadEdgeMark(c); ok && mark.Contracted && mark.Child.Same(table.Named()) && (table.Column(mark.Column) == nil || c.Name == mark.Column) {
				found = append(found, Link{
					ended: c.Name, Missing: missingAfterEnd(table, c, mark),
					Edge:  step.Edge{Child: table.Named(), Column: mark.Column, Parent: mark.Parent, Key: mark.Key, Constraint: mark.Constraint, Reference: catalog.ForeignKey{Name: mark.Reference}},
					State: Complete, Progress: EdgeContracted,
				})
			}
		}
	}
	return found
}

// missingAfterEnd returns the valid foreign key that the uuid column of an edge lacks after its integer has ended. A run does not make
// it again: the schema is the application's then.
func missingAfterEnd(t *catalog.Table, c *catalog.Column, mark step.EdgeMark) []string {
	holds := func(k catalog.ForeignKey) bool { return k.Validated && slices.Contains(k.ChildColumns, c.Name) }
	if mark.Constraint == "" || slices.ContainsFunc(t.ForeignKeys, holds) {
		return nil
	}
	return []string{"no valid foreign key on " + c.Name}
}

// tablesOfEdges returns the tables of the schema that can have triggers of edges of their own, which partitions cannot.
func (f linkFinder) tablesOfEdges() []*catalog.Table {
	var tables []*catalog.Table
	seen := map[*catalog.Table]bool{}
	for i := range f.input.Schema.Relations {
		for _, table := range f.input.Schema.Relations[i].All() {
			if (table.Kind == catalog.Ordinary || table.Kind == catalog.Partitioned) && !table.Partition && !seen[table] {
				seen[table] = true
				tables = append(tables, table)
			}
		}
	}
	return tables
}

func (f linkFinder) straysOf(table *catalog.Table, known map[string]bool) []Link {
	var found []Link
	var triggers []string
	for _, t := range table.Triggers {
		if t.OfEdge() && t.Above == 0 && !known[t.Name] && !slices.ContainsFunc(table.Columns, func(c catalog.Column) bool {
			mark, ok := step.ReadEdgeMark(&c) // of an edge that is skipped now
			return ok && mark.Child.Same(table.Named()) && step.IsTriggerOf(t.Name, mark.Column) && table.Column(mark.Column) != nil
		}) {
			triggers = append(triggers, t.Name)
		}
	}
	for i := range table.Columns {
		c := &table.Columns[i]
		mark, ok := step.ReadEdgeMark(c)
		if !ok || known[c.Name] {
			continue
		}
		if why := strayColumn(table, c, mark, len(triggers) > 0); why != nil {
			found = append(found, f.stray(table, firstNonEmpty(mark.Column, c.Name), mark.Parent, why))
		}
	}
	if found == nil && triggers != nil {
		found = append(found, f.stray(table, triggers[0], sqltext.Table{}, message.EdgeTriggersLeft(table.Named().String(), sqltext.Qualified(table.Schema, table.Name), triggers)))
	}
	return found
}

// strayColumn returns the problem of a uuid column whose mark fits no edge; nil for a column that CREATE TABLE LIKE copied.
func strayColumn(table *catalog.Table, c *catalog.Column, mark step.EdgeMark, triggers bool) *problem.Problem {
	name, quoted := table.Named().String(), sqltext.Qualified(table.Schema, table.Name)
	renamed := func() string { // the integer column's name now
		for _, k := range table.ForeignKeys {
			if k.Name == mark.Reference && len(k.ChildColumns) == 1 {
				return k.ChildColumns[0]
			}
		}
		return ""
	}
	switch {
	case mark.Contracted && mark.Child.Same(table.Named()):
		return nil
	case mark.Newer > 0:
		return message.MarkNewer(name, c.Name, mark.Newer, step.MarkFormat)
	case mark.Unreadable:
		return message.EdgeMarkEdited(name, quoted, c.Name)
	case !mark.Child.Same(table.Named()) && triggers:
		return message.EdgeTableMoved(table.Named(), mark.Child, c.Name)
	case !mark.Child.Same(table.Named()):
		return nil
	case table.Column(mark.Column) == nil && triggers:
		return message.EdgeColumnRenamed(name, quoted, c.Name, mark.Column, renamed())
	case table.Column(mark.Column) == nil:
		return message.EdgeColumnDropped(name, quoted, c.Name, mark.Column, step.PlainEdgeComment(c.Comment))
	}
	return nil
}

func (f linkFinder) stray(table *catalog.Table, column string, parent sqltext.Table, why *problem.Problem) Link {
	return Link{
		Edge: step.Edge{Child: table.Named(), Column: column, Parent: parent}, State: Refused, problems: problem.List{why}, damaged: true,
	}
}

// copied reports whether a mark was written for another column of the table: somebody copied the comment.
func copied(child *catalog.Table, mark step.EdgeMark) bool { return mark.Child.Same(child.Named()) }

// lostMark returns the problem of an edge whose column up made and whose mark no longer says so; nil if it does, or if up did not
// make the column: the triggers show it.
func lostMark(e step.Edge, child, parent *catalog.Table) *problem.Problem {
	origin, mark := e.ReadMark(child)
	switch {
	case origin == step.Absent, origin == step.Made, e.Inherited && origin == step.Untouched:
		return nil
	case mark.Newer > 0:
		return message.MarkNewer(child.Named().String(), e.UUID, mark.Newer, step.MarkFormat)
	case !mark.Unreadable && !e.HasTriggers(child):
		return nil
	}
	was := ""
	if written, ok := step.ReadEdgeMark(child.Column(e.UUID)); ok && !written.Unreadable && !written.Child.Same(e.Child) && !copied(child, written) {
		was = written.Child.String()
	}
	return message.EdgeMarkLost(e.String(), child.Named().String(), e.UUID, was, e.RestoreMark(child, parent))
}

// Made reports whether up made the uuid column of the edge.
func (l Link) Made() bool { return l.made }

// Damage returns why a run cannot work on what up made for an edge; "" if it can.
func (l Link) Damage() string {
	if !l.damaged && !(l.made && l.State == Refused) {
		return ""
	}
	return firstNonEmpty(l.Why, joinedProblems(l.problems), strings.Join(l.Missing, ", "))
}

func joinedProblems(list problem.List) string {
	text := ""
	for _, one := range list {
		text = joined(text, one.Error())
	}
	return text
}
