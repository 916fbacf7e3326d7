// Package run is the only loop that changes a database. It asks each step what is missing, runs the
// first action, looks again, and tells what happened.
package run

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
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

// Limits are what a run keeps to.
type Limits struct {
	LockTimeout      time.Duration // a lock that others queue behind is waited for no longer, a try
	LockRetryTimeout time.Duration // and tried for no longer in all

	Speed     pace.Speed    // "" is normal
	BatchTime time.Duration // that a transaction of the filling aims at; 0 is 50 ms

	Signals throttle.Limits // when the run stands still
}

// Executor carries one plan out.
type Executor struct {
	Pool       *pgxpool.Pool // work, through a pooler too
	Direct     *pgxpool.Pool // straight to the server: what cannot run in a transaction
	Plan       plan.Plan
	Limits     Limits
	Pace       *pace.Pace
	Watch      *throttle.Watch // told what the run is at work on; may be nil
	Lease      *journal.Lease
	Emit       event.Sink
	Stop       <-chan struct{} // closed: leave at the next clean point
	StopReason func() error    // what Stop was closed for; nil is a signal
	// Before is asked before every action; its error ends the run there. The laws cut with it.
	BeforeAction func(step.ID, step.Action) error
	// Standbys are looked at before a lock is taken that their readers would queue behind.
	Standbys []*pg.Standby

	session       *pg.Session // the run's own session: looks, and what cannot run in a transaction
	totals        totals
	altered       problem.List   // tables that were altered during the run
	doneGroups    []plan.Group   // tables whose steps have been taken
	columnNumbers map[uint32]int // the number of the column of each table, by oid, as it was seen last
	assumption    string         // what the action that is run relies on, as a query that returns a row
	groupIndex    int            // of the group at work
	next          prefetched
}

// account is what a run has done so far.
type totals struct {
	tables int
	rows   int64
	locks  event.Locks
}

// Outcome is what a run did.
type Outcome struct {
	Tables int
	Rows   int64
	Locks  event.Locks
}

// Run carries the plan out, group by group.
func (e *Executor) Run(ctx context.Context) (Outcome, error) {
	e.session = pg.AcquireSession(ctx, e.Direct)
	defer func() { e.session.Release(ctx) }()
	var err error
	for i, g := range e.Plan.Groups {
		e.groupIndex = i
		if err = e.runGroup(ctx, g); err != nil {
			err = fault.At(explainEventTrigger(e.Plan.Server, subject(e.Plan, g), err), tableName(g), "look")
			break
		}
	}
	err = e.checkAndFinish(ctx, err)
	return Outcome{Tables: e.totals.tables, Rows: e.totals.rows, Locks: e.totals.locks}, err
}

// about is what a group changes, for people.
func subject(p plan.Plan, g plan.Group) string {
	if name := tableName(g); name != "" {
		return name
	}
	return "schema " + p.SchemaName
}

// nullRounds is how often a table is filled anew because NULL was written into it before NOT NULL was
// proved.
const maxRounds = 5

// errNulls says that VALIDATE met a row without a value.
var errNullWritten = errors.New("a row without a value was written meanwhile")

func (e *Executor) runGroup(ctx context.Context, g plan.Group) error {
	begun := time.Now()
	filled := e.totals.rows
	state := &groupState{executor: e, group: g, rowsBefore: filled}
	e.setActivity(ctx, g, g.Target, false)
	work, rows := e.Plan.Work(g)
	if work = work && g.Target.Table != ""; work {
		e.Emit.Emit(event.TableStarted{Table: g.Target.String(), Rows: rows})
		defer func() { state.invalidate() }()
	}
	if err := e.deleteProgressForDown(ctx, g); err != nil {
		return err
	}
	err := e.runTable(ctx, g, state)
	if errors.Is(err, errDropped) {
		e.Emit.Emit(event.Notice{Table: g.Target.String(), Text: "the table was dropped while rekey was at work; the others go on"})
		return nil
	}
	if errors.Is(err, errSkipped) {
		return nil
	}
	if err == nil && e.leavesColumn(g) {
		e.Emit.Emit(event.Notice{Table: g.Target.String(), Text: "column " + g.Target.Column + " is left: it is not as rekey makes it, so that it may be another's; " +
			"rekey plan says what it lacks, and rekey up completes it"})
		return nil
	}
	if err == nil && work {
		e.doneGroups = append(e.doneGroups, g)
		e.totals.tables++
		e.Emit.Emit(event.TableDone{Table: g.Target.String(), Rows: e.totals.rows - filled, Elapsed: time.Since(begun)})
	}
	return err
}

// foreign reports whether the way down leaves a table's column, since nothing shows that up made it.
func (e *Executor) leavesColumn(g plan.Group) bool {
	table := e.Plan.Schema.Relation(g.Table)
	if e.Plan.Direction == plan.Up || g.Target.Table == "" || table == nil {
		return false
	}
	origin, _ := g.Target.Read(table)
	return origin == step.Untouched
}

// errLeft says that the group's table was altered meanwhile and is left as it is.
var errSkipped = errors.New("the table was altered meanwhile")

// turn is a table's own: what came over it since the plan was made ends no other's.
func (e *Executor) runTable(ctx context.Context, g plan.Group, st *groupState) error {
	err := e.repeatSteps(ctx, g, st)
	if err == nil || errors.Is(err, errDropped) {
		return err
	}
	if found, ok := errors.AsType[*rowError](err); ok {
		return e.revertTable(ctx, g, st, found)
	}
	why := alteredProblem(err)
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

// rounds takes the steps, and again from the first where what one of them reached is taken away.
func (e *Executor) repeatSteps(ctx context.Context, g plan.Group, st *groupState) (err error) {
	for range maxRounds {
		why, state := e.findAlteration(ctx, g, st)
		if state != nil {
			return state
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
		return message.AlteredMeanwhile(g.Target.String(), "Its column "+g.Target.Column+" lost its default or its index again and again")
	}
	return message.NullsKeepComing(g.Target.String(), g.Target.Column, maxRounds, errNullWritten)
}

// refill takes the unproved CHECK away once more: it may not stay over rows that do not meet it, since
// the application's updates of them would fail.
func (e *Executor) refill(ctx context.Context, g plan.Group, st *groupState) error {
	for _, s := range g.Steps {
		if _, ok := s.(step.FillColumn); ok {
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

// mostActions bounds the actions of one step on one table: none has more than a handful, and one that asks
// for the same again and again would never end.
const maxActions = 20

func countTables(v step.View) int {
	if v.Table == nil {
		return 1
	}
	return len(v.Table.All())
}

// step brings one step about, and says of an error where it came about. An action whose connection was lost is
// decided on again by what is there then; after a few losses the statement itself may be what ends them.
func (e *Executor) runStep(ctx context.Context, g plan.Group, s step.Step, st *groupState) error {
	for losses := 0; ; {
		err := e.runActions(ctx, g, s, st)
		if losses++; losses > maxConnectionLosses || ctx.Err() != nil || !pg.Lost(err) {
			return fault.At(err, tableName(g), stepName(s))
		}
		st.invalidate()
		if err := e.sleep(ctx, yieldPause); err != nil {
			return err
		}
	}
}

// kind is a step's name without its table.
func stepName(s step.Step) string {
	id := string(s.ID())
	return id[strings.LastIndex(id, "/")+1:]
}

// mostLosses is how often a step goes on after its connection was lost. A statement that crashes the server is not to
// crash it again and again.
const maxConnectionLosses = 3

func (e *Executor) runActions(ctx context.Context, g plan.Group, s step.Step, st *groupState) error {
	begun, refused := time.Now(), 0
	for acted := 0; ; acted++ {
		view, err := st.view(ctx, s)
		if err != nil {
			return err
		}
		if err := e.checkEarlierSteps(g, s, view); err != nil {
			return err
		}
		actions := step.MergeChanges(e.Plan.Actions(s, view))
		if len(actions) == 0 && st.lastStep && st.newIndex != "" { // no action is left whose guard asks for the index
			st.invalidate()
			continue
		}
		if len(actions) == 0 {
			return e.finishStep(ctx, g, s, view, acted == 0, time.Since(begun))
		}
		if acted == maxActions*countTables(view) {
			return message.Broken(string(s.ID()), errors.New("it asks for the same action again and again"))
		}
		again, err := e.runWave(ctx, g, s, nextWave(view.Table, actions), view, st)
		if err != nil {
			return err
		}
		if again {
			if refused++; refused == maxGuardFailures {
				return errStepUndone
			}
		}
	}
}

// wave takes the actions that one inspection is good for. What is there decides what comes next where one of them finds
// the table altered; refused says that its guard did.
func (e *Executor) runWave(ctx context.Context, g plan.Group, s step.Step, actions []step.Action, view step.View, st *groupState) (refused bool, err error) {
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
			return false, nil //nolint:nilerr // what is there now decides
		default:
			return false, err
		}
	}
	return false, nil
}

// mostAltered is how often the guard of a step's change may fail before the table's steps begin again, from an inspection
// of the whole table.
const maxGuardFailures = 2

// errUnreached says that what an earlier step of the group had reached is there no more.
var errStepUndone = errors.New("what an earlier step reached was taken away")

// unreached looks, before a step goes on, whether the goals before it are reached still: none makes the table stricter
// over a column that has lost its default or its index. Whether rows are filled is proved by VALIDATE.
func (e *Executor) checkEarlierSteps(g plan.Group, s step.Step, view step.View) error {
	if e.Plan.Direction == plan.Down || g.Target.Table == "" {
		return nil
	}
	for _, earlier := range g.Steps {
		if earlier.ID() == s.ID() {
			return nil
		}
		if _, reads := earlier.(step.RowReader); !reads && !earlier.Check(view).Done {
			return errStepUndone
		}
	}
	return nil
}

// take runs one action, from a clean point.
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

// reached believes nothing: on the way up the goal itself is checked when no action is left.
func (e *Executor) finishStep(ctx context.Context, g plan.Group, s step.Step, view step.View, already bool, elapsed time.Duration) error {
	if outcome := s.Check(view); e.Plan.Direction == plan.Up && !outcome.Done {
		return message.Broken(string(s.ID()), errors.New(outcome.Reason))
	}
	if err := e.deleteLeftovers(ctx, s, view, already); err != nil {
		return err
	}
	e.Emit.Emit(event.StepDone{Step: string(s.ID()), Table: tableName(g), Already: already, Elapsed: elapsed})
	return nil
}

// noted takes out of the journal what a run that was cut between the last row and this has left.
func (e *Executor) deleteLeftovers(ctx context.Context, s step.Step, view step.View, already bool) error {
	if _, ok := s.(step.FillColumn); ok && already && e.Plan.Direction == plan.Up {
		return e.deleteTreeProgress(ctx, view.Table)
	}
	return nil
}

// clear is the clean point before every action: was the run asked to end, is the lease still held, and
// before the version is recorded, is everything whole.
func (e *Executor) checkBeforeAction(ctx context.Context, g plan.Group) error {
	if err := e.waitOrEnd(ctx); err != nil {
		return err
	}
	if e.Plan.Direction == plan.Up && g.Table != "" && g.Target.Table == "" {
		if len(e.altered) > 0 {
			return e.altered
		}
		return e.checkComplete(ctx)
	}
	return nil
}

// still waits while the run is to stand still, and tells whether it may go on then.
func (e *Executor) waitOrEnd(ctx context.Context) error {
	e.waitWhilePaused(ctx)
	select {
	case <-e.Stop:
		return e.stopError()
	case <-ctx.Done():
		return message.LeftAtSignal(context.Cause(ctx))
	case <-e.leaseLost():
		return message.LeaseLost()
	default:
		return nil
	}
}

// stopped is the error of a run that was asked to end, by whomever.
func (e *Executor) stopError() error {
	if e.StopReason != nil {
		return e.StopReason()
	}
	return message.LeftAtSignal(nil)
}

// at sets the table that the signals watch.
func (e *Executor) setActivity(ctx context.Context, g plan.Group, t step.Target, filling bool) {
	place := throttle.Activity{Filling: filling}
	if t.Table != "" {
		table := e.Plan.Schema.Relation(g.Table)
		place.Table, place.Small = t.Relation(), table != nil && countPages(table) <= largeTablePages
	}
	e.Watch.SetActivity(ctx, place)
}

// pages counts the pages of a table and of all tables below it.
func countPages(table *catalog.Table) (n int64) {
	for _, one := range table.All() {
		n += one.Pages
	}
	return n
}

// hold waits while the pace says to stand still, before an action as before a batch.
func (e *Executor) waitWhilePaused(ctx context.Context) {
	reported := ""
	for {
		reason, changed := e.Pace.Paused()
		if reason != reported {
			reported = reason
			e.Emit.Emit(event.Throttled{Reason: reason, Paused: reason != ""})
		}
		if reason == "" {
			return
		}
		select {
		case <-changed:
		case <-e.Stop:
			return
		case <-e.leaseLost():
			return
		case <-ctx.Done():
			return
		}
	}
}

func (e *Executor) leaseLost() <-chan struct{} {
	if e.Lease == nil {
		return nil
	}
	return e.Lease.Lost()
}

// whole looks at every table of the plan again, and at those that were absent: a version is recorded
// only when all that exist have reached their goal.
func (e *Executor) checkComplete(ctx context.Context) error {
	names := append([]string{}, e.Plan.Absent...)
	targets := map[string]step.Target{}
	for _, g := range e.Plan.Targets() {
		names = append(names, g.Table)
		targets[g.Table] = g.Target
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
		if lacks := plan.Missing(target, table); len(lacks) > 0 {
			return message.NotWhole(target.String(), lacks)
		}
	}
	return nil
}
