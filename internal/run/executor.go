// Package run executes plans. Its executor is the only code that changes a user's schema: it asks each step for its
// next action, runs the first one, inspects the database again, and reports events.
package run

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/problem"
)

// Executor executes one plan. It is used once.
type Executor struct {
	Pool       *pgxpool.Pool // may go through a pooler
	Direct     *pgxpool.Pool // connects directly to the server, for sessions of rekey's own
	Plan       plan.Plan
	Limits     Limits
	Pace       *pace.Pace
	Watch      *throttle.Watch // is informed of the current table; may be nil
	Lease      *journal.Lease
	Emit       event.Sink
	Stop       <-chan struct{} // closed to end the run before its next action
	StopReason func() error    // returns why Stop was closed; nil means a signal
	// BeforeAction is called before each action. If it returns an error, the run ends with it. Tests interrupt runs
	// with it.
	BeforeAction func(step.ID, step.Action) error
	// Standbys are checked before a lock is taken whose replay their readers would block.
	Standbys []*pg.Standby
	Meter    *meter         // nil measures nothing
	Nodes    *cluster.Nodes // of the cluster; nil without one
	Holder   journal.Holder // of the leases of nodes

	session       *pg.Session // the run's own session, for changes, inspections and statements outside of transactions
	totals        totals
	altered       problem.List       // problems of tables that were altered during the run
	doneGroups    []plan.Group       // groups whose steps are done
	prepared      map[string]bool    // names of groups whose preparation has started
	columnNumbers map[columnName]int // attribute number of each group's column when last seen
	assumption    string             // a query that returns a row if the current action's assumptions hold
	groupIndex    int                // index of the current group
	next          prefetched
	impact        *impactLoop
	lifetime      context.Context // of Run
	nodeRuns      *nodeRuns
	shard         *shardFilling // of an executor that fills one shard
}

// columnName names a column of a table that may be renamed.
type columnName struct {
	table  uint32 // oid
	column string
}

// Run executes the plan, group by group. It returns the outcome even with an error.
func (e *Executor) Run(ctx context.Context) (Outcome, error) {
	lifetime, end := context.WithCancel(ctx)
	defer end()
	e.lifetime, e.nodeRuns = lifetime, &nodeRuns{running: map[int32]*nodeRun{}}
	defer func() { e.endNodeRuns(ctx) }()
	e.session = pg.AcquireSession(ctx, e.Direct)
	e.session.Cluster = e.Plan.Server.Cluster != nil
	defer func() { e.session.Release(ctx) }()
	e.impact = newImpactLoop(e.Pace, e.Emit)
	defer e.impact.end()
	if e.Lease != nil {
		start, end := background(ctx)
		defer end()
		start(e.watchLoad)
	}
	var err error
	for i, g := range e.Plan.Groups {
		e.groupIndex = i
		if g, err = e.withDefault(ctx, g); err == nil {
			err = e.runGroup(ctx, g)
		}
		if err != nil {
			err = fault.At(explainEventTrigger(e.Plan.Server, subject(e.Plan, g), err), g.String(), "inspect")
			break
		}
	}
	err = e.checkAndFinish(ctx, err)
	return Outcome{Tables: e.totals.tables, Edges: e.totals.edges, Keys: e.totals.keys, Rows: e.totals.rows, Locks: e.totals.locks}, err
}

// subject returns the name of what a group changes, for messages.
func subject(p plan.Plan, g plan.Group) string {
	if name := g.String(); name != "" {
		return name
	}
	return "schema " + p.SchemaName
}

// maxRounds bounds how often the steps of a table are repeated, because NULL was written into the column before NOT
// NULL was proved or because an earlier step was undone.
const maxRounds = 5

// errNullWritten reports that VALIDATE CONSTRAINT found a row without a value.
var errNullWritten = errors.New("a row without a value was written during the run")

func (e *Executor) runGroup(ctx context.Context, g plan.Group) error {
	start := time.Now()
	filled := e.totals.rows
	state := &groupState{executor: e, group: g, rowsBefore: filled}
	e.setActivity(ctx, g, g.Target, false)
	work, rows := e.Plan.Work(g)
	if work = work && g.Target.Table != ""; work {
		e.announce(g, rows)
		e.Meter.begin(ctx, g)
		defer func() { state.invalidate() }()
	}
	if err := e.deleteProgressForDown(ctx, g); err != nil {
		return err
	}
	err := e.runTable(ctx, g, state)
	if errors.Is(err, errDropped) {
		e.Emit.Emit(event.Notice{Table: g.String(), Text: "the table was dropped during the run; the run continues with the other tables"})
		return nil
	}
	if errors.Is(err, errSkipped) {
		return nil
	}
	if err == nil && e.leavesColumn(g) {
		e.Emit.Emit(event.Notice{Table: g.String(), Text: "column " + g.Target.Column + " is kept: it differs from what rekey creates, so it may belong to the application; " +
			"rekey plan shows what is missing, and rekey up completes it"})
		return nil
	}
	if err == nil && work {
		e.doneGroups = append(e.doneGroups, g)
	}
	if err == nil && work {
		e.Meter.end(ctx, g, time.Since(start))
	}
	if err == nil && work && !g.Prepares {
		e.count(g, 1)
		e.Emit.Emit(event.TableDone{Table: g.String(), Edge: g.Edge != nil, Key: g.Key != nil, Phase: string(g.Phase), Rows: e.totals.rows - filled, Elapsed: time.Since(start)})
	}
	return err
}

// leavesColumn reports whether down keeps a table's column because nothing shows that up created it.
func (e *Executor) leavesColumn(g plan.Group) bool {
	table := e.Plan.Schema.Named(g.Table)
	if e.Plan.Direction == plan.Up || g.Target.Table == "" || g.Edge != nil || table == nil {
		return false
	}
	origin, _ := g.Target.Read(table)
	return origin == step.Untouched
}

// errSkipped reports that the group's table was altered during the run and is skipped.
var errSkipped = errors.New("the table was altered during the run")

// runTable runs the steps of a table. If the table was altered since the plan was made, the run skips it and
// continues with the other tables.
func (e *Executor) runTable(ctx context.Context, g plan.Group, st *groupState) error {
	err := e.repeatSteps(ctx, g, st)
	if err == nil || errors.Is(err, errDropped) {
		return err
	}
	if found, ok := errors.AsType[*rowError](err); ok {
		return e.revertTable(ctx, g, st, found)
	}
	why := skippingProblem(err)
	if why == nil {
		if why = alterationOf(g, err); why == nil {
			return err
		}
		st.invalidate()
		if _, gone := st.view(ctx, g.Steps[0]); errors.Is(gone, errDropped) || alteredProblem(gone) != nil {
			why, err = alteredProblem(gone), gone
		}
		if why == nil {
			return err
		}
	}
	e.skip(g, why)
	return errSkipped
}

// repeatSteps runs the steps, and repeats them from the first one if the result of an earlier step was undone.
func (e *Executor) repeatSteps(ctx context.Context, g plan.Group, st *groupState) (err error) {
	for range maxRounds {
		why, inspectErr := e.findAlteration(ctx, g, st)
		if inspectErr != nil {
			return inspectErr
		}
		if why != nil {
			return why
		}
		if err = e.runSteps(ctx, g, st); !errors.Is(err, errNullWritten) && !errors.Is(err, errStepUndone) {
			return err
		}
	}
	if err := e.refill(ctx, g, st); err != nil {
		return err
	}
	if errors.Is(err, errStepUndone) {
		if g.Key != nil {
			return message.TableAltered(g.String(), "Its indexes, or the foreign keys that refer to it, were changed again and again")
		}
		return message.TableAltered(g.String(), "Its column "+g.Target.Column+" lost its default or its index again and again")
	}
	return message.NullsWritten(g.String(), g.Target.Column, maxRounds, errNullWritten)
}

// refill runs the fill step once more, which drops the CHECK that could not be validated: with rows that violate
// it, the application's updates of those rows would fail.
func (e *Executor) refill(ctx context.Context, g plan.Group, st *groupState) error {
	for _, s := range g.Steps {
		if s.Rows() != nil {
			return e.runStep(ctx, g, s, st)
		}
	}
	return nil
}

func (e *Executor) runSteps(ctx context.Context, g plan.Group, st *groupState) error {
	for i, s := range g.Steps {
		st.lastStep = i == len(g.Steps)-1
		if err := e.runStep(ctx, g, s, st); err != nil {
			return err
		}
	}
	return nil
}

// maxActions bounds the actions of one step on one table, or for one foreign key, so that a step that always returns the same action ends.
// They are in addition to the actions that the step returns at first: a step builds a twin of every index.
const maxActions = 20

func countTables(v step.View) int {
	if v.Table == nil {
		return 1
	}
	return len(v.Table.All()) + len(v.Table.ReferencedBy)
}

// runStep runs one step, and adds the table and the step to its error. If a connection was lost, it inspects the
// database again and continues from there, up to maxConnectionLosses times.
func (e *Executor) runStep(ctx context.Context, g plan.Group, s step.Step, st *groupState) error {
	for losses := 0; ; {
		err := e.runActions(ctx, g, s, st)
		if losses++; losses > maxConnectionLosses || ctx.Err() != nil || !pg.Lost(err) && !pg.ShardMoved(err) {
			return fault.At(err, g.String(), stepName(s))
		}
		st.invalidate()
		if err := e.sleep(ctx, yieldPause); err != nil {
			return err
		}
	}
}

// stepName returns a step's id without the table.
func stepName(s step.Step) string {
	id := string(s.ID())
	return id[strings.LastIndex(id, "/")+1:]
}

// maxConnectionLosses bounds how often a step continues after its connection was lost, in case its statement
// crashes the server.
const maxConnectionLosses = 3

func (e *Executor) runActions(ctx context.Context, g plan.Group, s step.Step, st *groupState) error {
	start, guardFailures, first := time.Now(), 0, 0
	for acted := 0; ; acted++ {
		view, actions, err := e.nextActions(ctx, g, s, st)
		if err != nil {
			return err
		}
		if len(actions) == 0 && st.lastStep && st.newIndex != "" { // no action follows whose guard would check the new index, so it is inspected
			st.invalidate()
			continue
		}
		if len(actions) == 0 {
			return e.finishStep(ctx, g, s, view, acted == 0, time.Since(start))
		}
		if acted == 0 {
			first = len(actions)
		}
		if acted >= first+maxActions*countTables(view) {
			return message.InternalError(string(s.ID()), errors.New("it asks for the same action again and again"))
		}
		guardFailed, err := e.runWave(ctx, g, s, nextWave(view.Table, actions), view, st)
		if err != nil {
			return err
		}
		if guardFailed {
			if guardFailures++; guardFailures == maxGuardFailures {
				return errStepUndone
			}
		}
	}
}

// runWave runs the actions that one inspection is valid for. It returns guardFailed if the guard of an action found
// the table altered; the next inspection decides what follows.
func (e *Executor) runWave(ctx context.Context, g plan.Group, s step.Step, actions []step.Action, view step.View, st *groupState) (guardFailed bool, err error) {
	for i, action := range actions {
		if i > 0 && len(view.Table.Below) > 0 && !st.sameDescendants(ctx, view.Table) {
			return false, nil
		}
		st.inspected = &view
		err := e.runAction(ctx, g, s, action, st)
		switch {
		case err == nil:
		case errors.Is(err, pg.ErrAltered):
			st.invalidate()
			return true, nil
		case i > 0 && alterationOf(g, err) != nil, st.treeChanged(ctx, err):
			st.invalidate()
			return false, nil //nolint:nilerr // the next inspection decides what follows
		default:
			return false, err
		}
	}
	return false, nil
}

// maxGuardFailures bounds how often the guard of a step's changes may fail before all steps of the table are
// repeated.
const maxGuardFailures = 2

// runAction runs one action, after the checks that come before every action.
func (e *Executor) runAction(ctx context.Context, g plan.Group, s step.Step, action step.Action, st *groupState) error {
	if err := e.checkBeforeAction(ctx, g); err != nil {
		return err
	}
	if e.BeforeAction != nil {
		if err := e.BeforeAction(s.ID(), action); err != nil {
			return err
		}
	}
	watch, err := e.checkCode(ctx, g, action, st)
	if err != nil {
		return err
	}
	return e.execute(ctx, g, s, action, st, watch)
}

// finishStep checks on the way up that a step without further actions is done, and reports it.
func (e *Executor) finishStep(ctx context.Context, g plan.Group, s step.Step, view step.View, already bool, elapsed time.Duration) error {
	if outcome := s.Check(view); e.Plan.Direction == plan.Up && !outcome.Done {
		if g.Edge != nil || g.Key != nil { // the application altered the table during the step
			return message.TableAltered(g.String(), "It has now "+outcome.Reason)
		}
		return message.InternalError(string(s.ID()), errors.New(outcome.Reason))
	}
	if err := e.deleteLeftovers(ctx, s, view, already); err != nil {
		return err
	}
	if err := e.checkStuck(ctx, g, s, view, !already); err != nil {
		return err
	}
	e.Emit.Emit(event.StepDone{Step: string(s.ID()), Table: g.String(), Already: already, Elapsed: elapsed})
	return nil
}

// deleteLeftovers deletes the checkpoints of a run that was interrupted after the last row was filled.
func (e *Executor) deleteLeftovers(ctx context.Context, s step.Step, view step.View, already bool) error {
	if s.Rows() != nil && already && e.Plan.Direction == plan.Up {
		return e.deleteTreeProgress(ctx, view.Table)
	}
	return nil
}

// checkBeforeAction returns an error if the run must end before its next action, and, before the version is
// recorded, if any table is incomplete.
func (e *Executor) checkBeforeAction(ctx context.Context, g plan.Group) error {
	if err := e.waitOrEnd(ctx); err != nil {
		return err
	}
	if e.Plan.Direction == plan.Up && g.Table.Name != "" && g.Target.Table == "" {
		if len(e.altered) > 0 {
			return e.altered
		}
		return e.checkComplete(ctx)
	}
	return nil
}

// waitOrEnd waits while the run is paused. It returns an error if the run must end: it was stopped, its context
// ended or its lease is lost.
func (e *Executor) waitOrEnd(ctx context.Context) error {
	e.waitWhilePaused(ctx)
	select {
	case <-e.Stop:
		return e.stopError()
	case <-ctx.Done():
		return message.Interrupted(context.Cause(ctx))
	case <-e.leaseLost():
		return message.LeaseLost()
	default:
		return nil
	}
}

// stopError returns the error of a run that was asked to end.
func (e *Executor) stopError() error {
	if e.StopReason != nil {
		return e.StopReason()
	}
	return message.Interrupted(nil)
}

func (e *Executor) leaseLost() <-chan struct{} {
	if e.Lease == nil {
		return nil
	}
	return e.Lease.Lost()
}

// checkComplete inspects every table of the plan, and those that were absent. It returns a problem if an existing
// table is incomplete, since the version must not be recorded then.
func (e *Executor) checkComplete(ctx context.Context) error {
	names := append([]string{}, e.Plan.Absent...)
	targets := map[string]step.Target{}
	for _, g := range e.Plan.Targets() {
		names = append(names, g.Table.Name)
		targets[g.Table.Name] = g.Target
	}
	var schema catalog.Schema
	err := e.session.Read(ctx, func(tx pg.Tx) error {
		var err error
		schema, err = inspect.Schema(ctx, tx, inspect.Request{Schema: e.Plan.SchemaName, Relations: names})
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		table := schema.Relation(name)
		if table == nil {
			continue
		}
		target, ok := targets[name]
		if !ok {
			target = plan.TargetOf(e.Plan.SchemaName, name, e.Plan.Column).WithValuesOf(table)
		}
		if missing := plan.Missing(target, table); len(missing) > 0 {
			return message.TableIncomplete(target.String(), missing)
		}
	}
	return nil
}
