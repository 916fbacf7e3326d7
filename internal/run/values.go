package run

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// fillRows fills a table with the engine that its plan names.
func (e *Executor) fillRows(ctx context.Context, g plan.Group, t step.Target, w backfill.Job) (backfill.Result, error) {
	if g.Edge != nil {
		return backfill.Run(ctx, w)
	}
	order := e.Plan.OrderOf(g, t, &w.Table)
	begin := e.onStart(order, w)
	reference := w.Table.Sharding != nil && w.Table.Sharding.Kind == catalog.ReferenceTable
	if order.Source == plan.ByColumn || reference {
		w.Writer = ordered.Values{Time: order.Column, OnStart: begin, Sent: reference}
		return backfill.Run(ctx, w)
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
		if e.shard != nil {
			start.Cutoff = e.shard.cutoff
		}
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

// withJournal adds the journal's statements to a change that the journal records, so that they are committed together.
func (e *Executor) withJournal(a step.Change) step.Change {
	if e.Lease == nil {
		return a
	}
	var before, after []string
	for _, r := range a.Records {
		switch r.Kind {
		case step.SaveCutoff:
			after = append(after, journal.SaveCutoffSQL(r.Table, r.Column))
		case step.SaveNoOriginal:
			after = append(after, journal.SaveNoOriginalSQL(r.Table, r.Column))
		case step.DeleteCutoff:
			before = append(before, journal.DeleteCutoffSQL(r.Relation, r.Number))
		}
	}
	a.Statements = slices.Concat(before, a.Statements, after)
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
