package run

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/plan"
)

// requestOf returns what to inspect for the steps of an edge or of a primary key.
func (e *Executor) requestOf(g plan.Group) inspect.Request {
	if g.Edge != nil {
		return edgeRequest(*g.Edge)
	}
	return e.keyRequest(g)
}

// keyRequest returns what to inspect for the steps of a primary key: the table, and the tables that referred to it when the plan was
// made.
func (e *Executor) keyRequest(g plan.Group) inspect.Request {
	p, table := e.Plan, g.Table
	q := inspect.Request{Schema: table.Schema, Relations: []string{table.Name}, Edges: true}
	if planned := p.Schema.Named(table); planned != nil {
		addReferring(&q, planned)
	}
	return q
}

// addReferring adds the tables that refer to a table to what to inspect, and reports whether one was missing.
func addReferring(q *inspect.Request, t *catalog.Table) (added bool) {
	for _, k := range t.ReferencedBy {
		switch {
		case k.Child.Schema == q.Schema && !slices.Contains(q.Relations, k.Child.Name):
			q.Relations, added = append(q.Relations, k.Child.Name), true
		case k.Child.Schema != q.Schema && !slices.Contains(q.Also, k.Child):
			q.Also, added = append(q.Also, k.Child), true
		}
	}
	return added
}

// missesReferring adds the tables that began to refer to the table of a primary key after the plan was made, and reports whether there
// are any.
func (st *groupState) missesReferring(q *inspect.Request, schema catalog.Schema) bool {
	if st.group.Key == nil {
		return false
	}
	t := schema.Named(st.group.Table)
	return t != nil && addReferring(q, t)
}
