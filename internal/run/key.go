package run

import (
	"slices"

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
	planned := p.Schema.Named(table)
	if planned == nil {
		return q
	}
	for _, k := range planned.ReferencedBy {
		switch {
		case k.Child.Schema == q.Schema && !slices.Contains(q.Relations, k.Child.Name):
			q.Relations = append(q.Relations, k.Child.Name)
		case k.Child.Schema != q.Schema && !slices.Contains(q.Also, k.Child):
			q.Also = append(q.Also, k.Child)
		}
	}
	return q
}
