package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Altered returns why a table that the plan accepted can no longer be worked on, given a newer catalogue of the schema;
// "" if it still can.
func (p Plan) Altered(g Group, now catalog.Schema) string {
	switch {
	case g.Edge != nil:
		return p.alteredEdge(*g.Edge, now)
	case g.Key != nil:
		return p.alteredKey(g, now)
	}
	table, then := now.Named(g.Table), p.Schema.Named(g.Table)
	before, _ := g.Target.Read(then)
	origin, _ := g.Target.Read(table)
	if before == step.Absent && origin == step.Untouched {
		return "A column " + g.Target.Column + " was added by another session."
	}
	if table.IsTree() && !then.IsTree() {
		return "Partitions or children were added to it."
	}
	s := Input{Schema: now, Data: p.Data, Server: p.Server}
	found := refuseDuringRun(s, g.Target, table)
	switch {
	case table.Kind != then.Kind:
		return "It is now a " + table.Kind.String() + "."
	case !table.Sharding.Same(then.Sharding):
		return "It is now " + table.Sharding.String() + "."
	case !table.Owned:
		return "It now belongs to " + table.Owner + "."
	case len(found) > 0:
		return found[0].Error()
	case columnChange(g.Order.Column.Name, then, table) != "":
		return columnChange(g.Order.Column.Name, then, table) + "; the plan orders the rows by it"
	default:
		return ""
	}
}

// alteredKey is Altered for a primary key: the columns of both keys are the planned ones. Contract has dropped some of the integers.
func (p Plan) alteredKey(g Group, now catalog.Schema) string {
	k := *g.Key
	table, then := now.Find(k.Table.Schema, k.Table.Name), p.Schema.Find(k.Table.Schema, k.Table.Name)
	if table == nil || then == nil {
		return "The table is missing."
	}
	columns := k.UUIDs
	if g.Phase == Switched {
		columns = slices.Concat(k.Columns, k.UUIDs)
	}
	for _, c := range columns {
		if why := columnChange(c, then, table); why != "" {
			return why
		}
	}
	if !table.Owned {
		return "It now belongs to " + table.Owner + "."
	}
	return ""
}

// alteredEdge is Altered for an edge: its columns and the foreign key that it mirrors are the planned ones.
func (p Plan) alteredEdge(e step.Edge, now catalog.Schema) string {
	child, childThen := now.Find(e.Child.Schema, e.Child.Name), p.Schema.Find(e.Child.Schema, e.Child.Name)
	parent, parentThen := now.Find(e.Parent.Schema, e.Parent.Name), p.Schema.Find(e.Parent.Schema, e.Parent.Name)
	if child == nil || parent == nil || childThen == nil || parentThen == nil {
		return "One of its tables is missing."
	}
	for _, c := range []struct {
		name      string
		then, now *catalog.Table
	}{{e.Column, childThen, child}, {e.UUID, childThen, child}, {e.Key, parentThen, parent}, {e.ParentUUID, parentThen, parent}} {
		if why := columnChange(c.name, c.then, c.now); why != "" {
			return c.now.Named().String() + ": " + why
		}
	}
	hasIt := func(key catalog.ForeignKey) bool { return key.OID == e.Reference.OID || key.Name == e.Reference.Name }
	if e.Reference.OID != 0 && !slices.ContainsFunc(child.ForeignKeys, hasIt) {
		return "Its foreign key " + e.Reference.Name + " was dropped."
	}
	if !child.Owned {
		return "Its table now belongs to " + child.Owner + "."
	}
	return ""
}

// ChangedFor returns why a backfill that has begun cannot continue: the table's identity, the uuid column, the key or the
// creation-time column changed. It returns "" if none did.
func ChangedFor(o Order, t step.Target, before, now *catalog.Table) string {
	if now == nil || now.OID != before.OID {
		return "the table was dropped, renamed or detached"
	}
	for _, name := range append([]string{t.Column, o.Column.Name}, o.Key...) {
		if why := columnChange(name, before, now); why != "" {
			return why
		}
	}
	if !slices.Equal(before.OrderKey(t.Column), now.OrderKey(t.Column)) {
		return "its key has changed"
	}
	return ""
}

// columnChange returns how a column differs from before: dropped, renamed or of another type; "" if it does not.
func columnChange(name string, before, now *catalog.Table) string {
	then, is := before.Column(name), now.Column(name)
	switch {
	case name == "" || then == nil:
		return ""
	case is == nil || is.Number != then.Number:
		return "its column " + name + " was dropped or renamed"
	case is.Type != then.Type:
		return "its column " + name + " is now of type " + is.Type
	}
	return ""
}

// refuseDuringRun returns the refusals that the catalogue of one table can show in the middle of a run.
func refuseDuringRun(s Input, t step.Target, table *catalog.Table) problem.List {
	if table.IsTree() && t.IsTree() {
		return unfitTree(t, table)
	}
	found := refuseShape(t, table)
	found = append(found, refuseColumn(s, t, table)...)
	return append(found, refuseNames(s, t, table)...)
}
