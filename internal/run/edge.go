package run

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// edgeRequest returns what to inspect for the steps of an edge: both of its tables, with their foreign keys, triggers and
// indexes.
func edgeRequest(edge step.Edge) inspect.Request {
	q := inspect.Request{Schema: edge.Child.Schema, Relations: []string{edge.Child.Name}, Edges: true}
	switch {
	case edge.Parent.Schema != edge.Child.Schema:
		q.Parents = []string{edge.Parent.Schema}
	case edge.Parent.Name != edge.Child.Name:
		q.Relations = append(q.Relations, edge.Parent.Name)
	}
	return q
}

// withDefault returns a group whose edge knows the uuid to which the default of its integer column refers, if the parent got its
// uuids in this run.
func (e *Executor) withDefault(ctx context.Context, g plan.Group) (plan.Group, error) {
	if g.Edge == nil || g.Edge.Default == nil || g.Edge.Default.Key == "" || g.Edge.Default.UUID != "" || e.Plan.Direction == plan.Down {
		return g, nil
	}
	edge, known := *g.Edge, *g.Edge.Default
	parent := e.Plan.Schema.Find(edge.Parent.Schema, edge.Parent.Name)
	err := guard.DuringRun(e.Plan.Server, edge.Target(), parent, false).Read(ctx, e.Pool, func(tx pg.Tx) (err error) {
		known.UUID, err = inspect.UUIDOfKey(ctx, tx, edge.Parent, edge.Key, edge.ParentUUID, known.Key)
		return err
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == pgerrcode.UndefinedTable {
		return g, nil // the inspection of the edge explains it
	}
	if err != nil {
		return g, err
	}
	edge.Default = &known
	g.Edge, g.Steps = &edge, step.EdgeSteps(edge)
	return g, nil
}

// checkParent checks that the relation with the parent's name is the planned table.
func (st *groupState) checkParent(ctx context.Context, view step.View) error {
	parent := st.group.Edge.Parent
	planned, found := st.executor.Plan.Schema.Find(parent.Schema, parent.Name), view.Relation(parent)
	if planned == nil || found != nil && found.OID == planned.OID {
		return nil
	}
	return st.executor.explainMissing(ctx, st.group, planned.OID, found)
}

// checkStuck returns a problem if rows of an edge can never be filled: no row of the parent has their key. filled says that the run
// has filled rows.
func (e *Executor) checkStuck(ctx context.Context, g plan.Group, s step.Step, view step.View, filled bool) error {
	reader := s.Rows()
	if reader == nil || e.Plan.Direction == plan.Down || g.Edge == nil {
		return nil
	}
	var (
		rows     int64
		examples []string
	)
	for _, part := range g.Target.Parts(view.Table) {
		sql := reader.Stuck(part.Rows())
		if sql == "" {
			return nil
		}
		var (
			count int64
			keys  []string
		)
		err := e.watchReading(g, part).Read(ctx, e.Pool, func(tx pg.Tx) error { return tx.QueryRow(ctx, sql).Scan(&count, &keys) })
		if err != nil {
			return err
		}
		rows, examples = rows+count, append(examples, keys...)
	}
	if rows > 0 {
		return message.Orphans(g.String(), g.Edge.Column, g.Edge.Parent.String(), rows, examples, g.Edge.SelectOrphans())
	}
	return e.checkEqual(ctx, g, view, filled)
}

// checkEqual returns a problem if columns of a row refer to different rows: an application wrote them while triggers were missing.
// It reads an edge that is not finished, and a finished one if it filled rows. Filling changes only rows without a uuid.
func (e *Executor) checkEqual(ctx context.Context, g plan.Group, view step.View, filled bool) error {
	if _, mark := g.Edge.ReadMark(view.Table); mark.Finished && !filled {
		return nil
	}
	var rows int64
	for _, part := range g.Target.Parts(view.Table) {
		var count int64
		err := e.watchReading(g, part).Read(ctx, e.Pool, func(tx pg.Tx) error { return tx.QueryRow(ctx, g.Edge.Different(part.Rows())).Scan(&count) })
		if err != nil {
			return err
		}
		rows += count
	}
	if rows == 0 {
		return nil
	}
	byKey, byUUID := g.Edge.Equalize()
	return message.EdgeRowsDiffer(g.String(), g.Edge.Column, g.Edge.UUID, rows, byKey, byUUID)
}

// missingOfSteps returns what an edge or a primary key still needs to reach the goal of the run. Whether rows are filled is not read again:
// the validated foreign key proves it.
func (e *Executor) missingOfSteps(g plan.Group, schema catalog.Schema) []string {
	view := plan.ViewOf(e.Plan, g, schema)
	view.Unfilled = false
	for _, part := range g.Target.Parts(view.Table) {
		view.Filled[part.Table.OID] = true
	}
	var missing []string
	for _, s := range g.Steps {
		if e.Plan.Direction == plan.Up {
			if outcome := s.Check(view); !outcome.Done {
				missing = append(missing, outcome.Reason)
			}
		} else if n := len(s.Undo(view)); n > 0 {
			missing = append(missing, strconv.Itoa(n)+" actions of "+stepName(s)+" to undo")
		}
	}
	return missing
}
