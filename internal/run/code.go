package run

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// watchCode returns a watch of a target's table and, for an edge, of its parent; nil if there is nothing to watch.
func (e *Executor) watchCode(t step.Target, edge *step.Edge, table, parent *catalog.Table, fills bool) *guard.Watch {
	w := guard.DuringRun(e.Plan.Server, t, table, fills)
	if edge == nil || parent == nil || edge.SelfReference() {
		return w
	}
	return w.And(guard.DuringRun(e.Plan.Server, step.Target{Schema: parent.Schema, Table: parent.Name, Column: edge.ParentUUID}, parent, false))
}

// watchReading returns a watch of a part of a group's table and, for an edge, of its parent, whose rows are read.
func (e *Executor) watchReading(g plan.Group, part step.Part) *guard.Watch {
	var parent *catalog.Table
	if g.Edge != nil {
		parent = e.Plan.Schema.Find(g.Edge.Parent.Schema, g.Edge.Parent.Name)
	}
	return e.watchCode(part.Target, g.Edge, part.Table, parent, false)
}

// watchReferring adds the tables that refer to the table of a primary key to a watch, which may be nil: moving their foreign keys reads
// them.
func (e *Executor) watchReferring(w *guard.Watch, v step.View) *guard.Watch {
	if v.Table == nil {
		return w
	}
	var known []sqltext.Table
	for _, k := range v.Table.ReferencedBy {
		child := v.Relation(k.Child)
		if child == nil || child.OID == v.Table.OID || slices.Contains(known, k.Child) {
			continue
		}
		known = append(known, k.Child)
		w = guard.DuringRun(e.Plan.Server, step.Target{Schema: child.Schema, Table: child.Name}, child, false).And(w)
	}
	return w
}

// checkCode checks the code of a table before an action. It returns nil if there is nothing to watch.
func (e *Executor) checkCode(ctx context.Context, g plan.Group, action step.Action, st *groupState) (*guard.Watch, error) {
	if st.inspected == nil {
		return nil, nil //nolint:nilnil // the action is on no table
	}
	var parent *catalog.Table
	if g.Edge != nil {
		parent = st.inspected.Relation(g.Edge.Parent)
	}
	w := e.watchCode(g.Target, g.Edge, st.inspected.Table, parent, len(action.Fills()) > 0)
	if g.Key != nil {
		w = e.watchReferring(w, *st.inspected)
	}
	if w == nil {
		return nil, nil //nolint:nilnil // there is nothing to watch
	}
	return w, e.session.Read(ctx, func(tx pg.Tx) error { return w.Check(ctx, tx) })
}

// hasRow reports whether a query on the rows of a part of a group's table returns a row.
func (e *Executor) hasRow(ctx context.Context, g plan.Group, part step.Part, query string) (yes bool, err error) {
	w := e.watchReading(g, part)
	if w == nil {
		return e.session.HasRow(ctx, query)
	}
	err = w.Read(ctx, e.Pool, func(tx pg.Tx) (err error) {
		yes, err = inspect.HasRow(ctx, tx, query)
		return err
	})
	return yes, err
}
