package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Altered says why a table that was fit when the plan was made is not any more, as a newer look at the
// schema shows it; it is empty for one that still is.
func (p Plan) Altered(g Group, now catalog.Schema) string {
	table, then := now.Relation(g.Table), p.Schema.Relation(g.Table)
	before, _ := g.Target.Read(then)
	origin, _ := g.Target.Read(table)
	if before == step.Absent && origin == step.Untouched {
		return "A column " + g.Target.Column + " has come that rekey did not make."
	}
	if table.IsTree() && !then.IsTree() {
		return "Tables have come below it."
	}
	s := Input{Schema: now, Data: p.Data, Server: p.Server}
	found := refuseNow(s, g.Target, table)
	switch {
	case table.Kind != then.Kind:
		return "It is a " + table.Kind.String() + " now."
	case !table.Owned:
		return "It belongs to " + table.Owner + " now."
	case len(found) > 0:
		return found[0].Error()
	case retyped(g.Order.Column.Name, then, table) != "":
		return retyped(g.Order.Column.Name, then, table) + "; its rows were to be ordered by it"
	default:
		return ""
	}
}

// FilledBy says what of a table has changed since its filling began that the filling goes by: its identity, its column, its
// key, or the column of its order. "" is nothing.
func ChangedFor(o Order, t step.Target, before, now *catalog.Table) string {
	if now == nil || now.OID != before.OID {
		return "the table was dropped, renamed or detached"
	}
	for _, name := range append([]string{t.Column, o.Column.Name}, o.Key...) {
		if why := retyped(name, before, now); why != "" {
			return why
		}
	}
	if !slices.Equal(before.OrderKey(t.Column), now.OrderKey(t.Column)) {
		return "its key has changed"
	}
	return ""
}

// retyped says that a column has gone or is of another type now.
func retyped(name string, before, now *catalog.Table) string {
	then, is := before.Column(name), now.Column(name)
	switch {
	case name == "" || then == nil:
		return ""
	case is == nil || is.Number != then.Number:
		return "its column " + name + " was dropped or renamed"
	case is.Type != then.Type:
		return "its column " + name + " is of type " + is.Type + " now"
	}
	return ""
}

// refuseNow is what a look at one table in the middle of a run can refuse.
func refuseNow(s Input, t step.Target, table *catalog.Table) problem.List {
	if table.IsTree() && t.IsTree() {
		return unfitTree(t, table)
	}
	found := refuseShape(t, table)
	found = append(found, refuseColumn(s, t, table)...)
	return append(found, refuseNames(s, t, table)...)
}
