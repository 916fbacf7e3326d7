package run

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// largeTablePages is the size from which a table counts as large. The run closes its own session while it fills a
// large table, since the number of a role's connections may be limited. A vacuum of a large table takes a while.
const largeTablePages = 1000

// fill fills every row of a table. Its result, that no row is without a value, is used until the next change.
func (e *Executor) fill(ctx context.Context, g plan.Group, a step.Fill, st *groupState) error {
	if why := e.Plan.Altered(g, st.inspected.Schema); why != "" {
		return message.TableAltered(g.String(), why)
	}
	table := st.table(a.Target.Name())
	if e.shard == nil && table.Sharding != nil {
		table = e.withSizes(g, a.Target, table)
	}
	if e.shard == nil && table.Sharding.OnShards() {
		return e.fillShards(ctx, g, a.Target, table, st)
	}
	if table.Pages > largeTablePages {
		e.session.Close(ctx)
	}
	e.setActivity(ctx, g, a.Target, true)
	defer e.setActivity(ctx, g, g.Target, false)
	job := backfill.Job{
		Pool: e.Pool, Server: e.Plan.Server, Table: *table, Column: a.Target.Column,
		Writer: e.writer(a), Replica: e.Plan.Server.Role.ReplicaRole, Pace: e.Pace, Checkpoints: e.checkpoints(*table, a),
		Stop: e.Stop, RetryTimeout: e.Limits.LockRetryTimeout, Vacuum: e.vacuum(a.Target), Emit: e.treeProgress(g, a.Target, st),
		Inspect: e.reinspect(g, a.Target, table),
	}
	if e.shard != nil {
		job.Gate = e.shard.hold.pass
	}
	endImpact := e.impact.begin(ctx, e, g.String(), table)
	result, err := e.fillRows(ctx, g, a.Target, job)
	endImpact()
	e.totals.rows += result.Rows
	e.Meter.addRows(result.Rows, result.InPlace)
	if err != nil {
		if found := e.findRefusedRow(ctx, a.Target, job, err); found != nil {
			return found
		}
		return e.explainFillError(a.Target, err)
	}
	st.markFilled(table)
	if result.Clean {
		return nil
	}
	return e.deleteProgress(ctx, *table)
}

// writer returns what writes the values: a join with the parent for an edge, else the values by the clock.
func (e *Executor) writer(a step.Fill) backfill.Writer {
	if a.Edge == nil {
		return backfill.Expression(clockExpression(e.Plan.Server, a.Target))
	}
	return EdgeWriter(*a.Edge)
}

// EdgeWriter returns the join of an edge with its parent.
func EdgeWriter(edge step.Edge) backfill.Statement {
	keys := []backfill.KeyPair{{Child: edge.Column, Parent: edge.Key}}
	for _, part := range edge.Parts() {
		keys = append(keys, backfill.KeyPair{Child: part.Child, Parent: part.Parent})
	}
	complete := edge.Constrained() && edge.Reference.Validated
	return backfill.Join(backfill.Parent{Table: edge.Parent, UUID: edge.ParentUUID, Keys: keys, Complete: complete})
}

// reinspect returns a function that inspects the table again and ends its backfill with errStepUndone if what the
// backfill depends on has changed, so that the steps are repeated.
func (e *Executor) reinspect(g plan.Group, t step.Target, before *catalog.Table) func(context.Context) error {
	var mu sync.Mutex
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		return pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
			request := inspect.Request{Schema: e.Plan.SchemaName, Relations: []string{g.Table.Name}}
			if g.Edge != nil {
				request = edgeRequest(*g.Edge)
			}
			schema, err := inspect.Schema(ctx, tx, request)
			if err != nil {
				return err
			}
			e.shard.asTables(&schema)
			now := schema.Named(g.Table)
			if now != nil {
				if why := e.Plan.Altered(g, schema); why != "" {
					return message.TableAltered(g.String(), why)
				}
				now = findTable(now, before.OID)
			}
			if why := plan.ChangedFor(e.Plan.OrderOf(g, t, before), t, before, now); why != "" {
				e.Emit.Emit(event.Notice{Table: g.String(), Text: why + "; the backfill starts again"})
				return errStepUndone
			}
			return nil
		})
	}
}

// findTable returns the table with an oid in a tree, or nil.
func findTable(root *catalog.Table, oid uint32) *catalog.Table {
	for _, one := range root.All() {
		if one.OID == oid {
			return one
		}
	}
	return nil
}

// clockExpression returns the expression by which rows are filled by the clock, or a call of the target's function of
// random values. The first is rekey's own and calls no function of the schema, since the function's owner may have replaced
// it since the plan was made.
func clockExpression(server catalog.Server, t step.Target) string {
	if t.Random() {
		return sqltext.Format("{}()", t.Function)
	}
	return step.Expression(server.Major())
}

// treeProgress returns a sink that turns the progress of one table of a tree into the progress of the whole tree.
func (e *Executor) treeProgress(g plan.Group, t step.Target, st *groupState) event.Sink {
	if t.Root.Name == "" {
		return e.Emit
	}
	before, all := e.totals.rows-st.rowsBefore, plan.Rows(st.inspected.Table)
	return func(ev event.Event) {
		if p, ok := ev.(event.Progress); ok {
			p.Table, p.Done = g.String(), p.Done+before
			p.Total = max(p.Total+before, all)
			ev = p
		}
		e.Emit.Emit(ev)
	}
}

// explainFillError returns a problem for an error of the backfill, or the error itself.
func (e *Executor) explainFillError(t step.Target, err error) error {
	var (
		stuck     *backfill.NoProgressError
		held      *backfill.HeldError
		nulls     *backfill.NullsError
		serverErr *pgconn.PgError
	)
	switch {
	case errors.Is(err, backfill.ErrStopped):
		return e.stopError()
	case errors.As(err, &stuck):
		return message.UpdateSuppressed(t.String(), t.Column, stuck.Causes, err)
	case errors.As(err, &held):
		return message.RowsLocked(t.String(), held.Rows, held.Timeout, err)
	case errors.As(err, &serverErr) && serverErr.Code == pgerrcode.InsufficientPrivilege && e.cannotCreateTables():
		p := message.NoOrderRights(t.String(), sqltext.Ident(e.Plan.Server.Role.Name), e.Plan.Server.JournalSchema.Owner)
		p.Kind, p.Cause = problem.Stopped, err // the estimated size was too low, so that the plan did not refuse the table
		return p
	case errors.As(err, &nulls):
		return message.NullsWritten(t.String(), t.Column, nulls.Sweeps, err)
	default:
		return err
	}
}

// cannotCreateTables reports whether the journal's schema exists and the role may not create tables in it.
func (e *Executor) cannotCreateTables() bool {
	schema := e.Plan.Server.JournalSchema
	return schema.Exists && !schema.Create
}

// deleteProgress deletes the checkpoints and the fill plan of a table that is filled.
func (e *Executor) deleteProgress(ctx context.Context, table catalog.Table) error {
	if e.Lease == nil {
		return nil
	}
	return writeJournal(ctx, e.Pool, func(tx pg.Tx) error {
		if err := ordered.DropPlan(ctx, tx, table.OID); err != nil {
			return err
		}
		return journal.DeleteCheckpoints(ctx, tx, table.OID)
	})
}

// deleteTreeProgress calls deleteProgress for a table and all its descendants.
func (e *Executor) deleteTreeProgress(ctx context.Context, table *catalog.Table) error {
	for _, one := range table.All() {
		if err := e.deleteProgress(ctx, *one); err != nil {
			return err
		}
	}
	return nil
}

// checkpoints returns the store for the checkpoints of a table; nil without a lease.
func (e *Executor) checkpoints(table catalog.Table, a step.Fill) backfill.Checkpoints {
	if e.Lease == nil {
		return nil
	}
	var parent *catalog.Table
	if a.Edge != nil {
		parent = e.Plan.Schema.Named(a.Edge.Parent.All())
	}
	return checkpointStore{
		lease: e.Lease, table: table.OID, column: int16(table.Column(a.Target.Column).Number),
		code: e.watchCode(a.Target, a.Edge, table.WithoutBelow(), parent, true), shard: e.shard,
	}
}

// checkpointStore stores the checkpoints of a backfill in the journal. It implements [backfill.Checkpoints].
type checkpointStore struct {
	lease  *journal.Lease
	table  uint32
	column int16
	code   *guard.Watch
	shard  *shardFilling // nil for a table
}

func (s checkpointStore) Load(ctx context.Context, tx pg.Tx) ([]backfill.Checkpoint, error) {
	saved, err := journal.LoadCheckpoints(ctx, tx, s.table)
	var checkpoints []backfill.Checkpoint
	for _, c := range saved {
		if c.Column == s.column {
			checkpoints = append(checkpoints, backfill.Checkpoint{Filenode: c.Filenode, Region: c.Region, State: c.State, Rows: c.Rows})
		}
	}
	return checkpoints, err
}

func (s checkpointStore) Save(ctx context.Context, tx pg.Tx, p backfill.Checkpoint) error {
	return journal.SaveCheckpoint(ctx, tx, journal.Checkpoint{
		Relation: s.table, Filenode: p.Filenode, Column: s.column, Region: p.Region, State: p.State, Rows: p.Rows,
	})
}

// Preconditions implements [backfill.Checkpoints].
func (s checkpointStore) Preconditions() []pg.Precondition {
	held := pg.Precondition{Query: s.lease.FenceQuery(), Err: pg.ErrFenced}
	if s.shard == nil {
		return []pg.Precondition{held}
	}
	return append(s.shard.shard.Preconditions(), held)
}

func (s checkpointStore) Guard(ctx context.Context, tx pg.Tx) error {
	return s.code.CheckBatch(ctx, tx)
}
