package run

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// fillRows fills a table with the engine that its plan names.
func (e *Executor) fillRows(ctx context.Context, g plan.Group, t step.Target, w backfill.Job) (backfill.Result, error) {
	if g.Edge != nil {
		return backfill.Run(ctx, w)
	}
	order := e.Plan.OrderOf(g, t, &w.Table)
	begin := e.onStart(order, w)
	if order.Source == plan.ByColumn {
		result, err := ordered.Run(ctx, ordered.Job{Job: w, Time: order.Column, OnStart: begin})
		return result.Result, err
	}
	if begin != nil {
		err := writeJournal(ctx, e.Pool, func(tx pg.Tx) error {
			if err := e.Lease.Guard(ctx, tx); err != nil {
				return err
			}
			_, err := begin(ctx, tx)
			return err
		})
		if err != nil {
			return backfill.Result{}, err
		}
	}
	return backfill.Run(ctx, w)
}

// onStart returns a function that records how a table is filled and returns the cutoff of its column; nil without a
// journal. It deletes the checkpoints of a backfill with other parameters.
func (e *Executor) onStart(o plan.Order, w backfill.Job) func(context.Context, pg.Tx) (ordered.Start, error) {
	if e.Lease == nil {
		return nil
	}
	column := journal.Column{Relation: w.Table.OID, Number: int16(w.Table.Column(w.Column).Number)}
	now := journal.Cutoff{Filled: true, Source: string(o.Source), Column: o.Column.Selector(), Zone: o.Column.Zone, Key: o.Key}
	return func(ctx context.Context, tx pg.Tx) (start ordered.Start, err error) {
		before, checkpoints, err := journal.BeginFilling(ctx, tx, column, now)
		if err != nil {
			return start, err
		}
		start = ordered.Start{Cutoff: before.At, Resumed: checkpoints}
		if !before.Filled || before.Same(now) {
			return start, nil
		}
		if err := journal.DeleteCheckpoints(ctx, tx, w.Table.OID); err != nil {
			return start, err
		}
		start.Resumed = false
		return start, ordered.DropPlan(ctx, tx, w.Table.OID)
	}
}

// withJournal adds the journal's statements to the change that sets or drops a column's default, so that they are
// committed together.
func (e *Executor) withJournal(g plan.Group, s step.Step, a step.Change, st *groupState) step.Change {
	if _, ok := s.(step.AddColumn); !ok || e.Lease == nil {
		return a
	}
	a.Statements = slices.Clone(a.Statements)
	for _, table := range st.inspected.Table.All() {
		name := sqltext.Table{Schema: table.Schema, Name: table.Name}
		switch c := table.Column(g.Target.Column); {
		case e.Plan.Direction == plan.Up:
			a.Statements = append(a.Statements, journal.SaveCutoffSQL(name, g.Target.Column))
			if table == st.inspected.Table {
				a.Statements = append(a.Statements, journal.SaveNoOriginalSQL(name, g.Target.Column))
			}
		case c != nil:
			a.Statements = append([]string{journal.DeleteCutoffSQL(table.OID, c.Number)}, a.Statements...)
		}
	}
	return a
}

// deleteProgressForDown deletes the progress of an interrupted backfill before down drops the column.
func (e *Executor) deleteProgressForDown(ctx context.Context, g plan.Group) error {
	table := e.Plan.Schema.Named(g.Table)
	if e.Plan.Direction == plan.Up || g.Target.Table == "" || table == nil {
		return nil
	}
	if work, _ := e.Plan.Work(g); !work {
		return nil
	}
	return e.deleteTreeProgress(ctx, table)
}
