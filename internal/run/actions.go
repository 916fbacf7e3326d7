package run

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// execute runs one action, whose statements it reports first.
func (e *Executor) execute(ctx context.Context, g plan.Group, s step.Step, action step.Action, st *groupState, watch *guard.Watch) error {
	e.assumption = st.assumption(action)
	defer func() { e.assumption = "" }()
	for _, sql := range action.SQL() {
		e.Emit.Emit(event.Executing{Step: string(s.ID()), Table: g.String(), SQL: sql, Bytes: st.bytesRead(action)})
	}
	p := &performer{ctx: ctx, executor: e, group: g, state: st, watch: watch}
	err := action.Do(p)
	if err != nil || !p.known {
		st.invalidate()
	}
	return err
}

// bytesRead returns the size of the table that an action reads whole: for the build of an index and for a validation.
func (st *groupState) bytesRead(action step.Action) int64 {
	name := action.Scanned()
	if name.Name == "" || st.inspected == nil || st.inspected.Table == nil {
		return 0
	}
	return st.table(name).Bytes
}

// performer runs one action. It implements [step.Performer].
type performer struct {
	ctx      context.Context
	executor *Executor
	group    plan.Group
	state    *groupState
	watch    *guard.Watch

	known bool // the last inspection shows what the action has changed
}

// Change implements step.Performer.
func (p *performer) Change(a step.Change) error {
	p.state.filled = nil
	a.Guard = bothReturnRow(bothReturnRow(a.Guard, p.executor.assumption), p.watch.Query())
	return p.executor.applyChange(p.ctx, p.group, p.executor.withJournal(a))
}

// Concurrently implements step.Performer.
func (p *performer) Concurrently(a step.Concurrently) error {
	err := p.executor.buildOrDropIndex(p.ctx, p.group, a, p.state)
	if err == nil && a.Build && p.state.table(a.Table).Index(a.Index) == nil {
		p.known = p.state.addNewIndex(a)
	}
	return err
}

// Validate implements step.Performer.
func (p *performer) Validate(a step.Validate) error {
	return p.executor.validate(p.ctx, p.group, a, p.state)
}

// Fill implements step.Performer. A backfill changes nothing that is inspected.
func (p *performer) Fill(a step.Fill) error {
	err := p.executor.fill(p.ctx, p.group, a, p.state)
	p.known = time.Since(p.state.inspectedAt) <= maxInspectionAge
	return err
}

func (e *Executor) applyChange(ctx context.Context, g plan.Group, a step.Change) error {
	changer := pg.Changer{
		Session: e.session, Watch: e.Pool, LockTimeout: e.Limits.LockTimeout, RetryTimeout: e.Limits.LockRetryTimeout,
		DeadlockTimeout: time.Duration(e.Plan.Server.DeadlockTimeout) * time.Millisecond,
		Standbys:        e.Standbys,
		Stop:            e.Stop,
		BeforeRetry:     e.waitOrEnd,
		AttemptFailed:   func(r pg.FailedAttempt) { e.attemptFailed(g.String(), len(lock.Exclusive(a.Locks)) > 0, r) },
	}
	if e.Lease != nil {
		changer.Fence = e.Lease.FenceQuery()
	}
	result, err := changer.Do(ctx, pg.Change{
		Locks: a.Locks, Statements: a.Statements, Guard: a.Guard, Early: a.Early,
	})
	if result.Blocked {
		e.recordLock(g, a.Locks, result)
	}
	return e.explainLockError(g, err)
}

func (e *Executor) attemptFailed(table string, exclusive bool, r pg.FailedAttempt) {
	if exclusive {
		e.totals.locks.Attempts++
	}
	e.Emit.Emit(event.LockRefused{Table: table, Attempts: r.Attempts, Blockers: describe(r.Blockers), Pause: r.Pause})
}

// explainLockError returns a problem for an error of a locked change, or the error itself.
func (e *Executor) explainLockError(g plan.Group, err error) error {
	var timeout *pg.LockTimeoutError
	switch {
	case errors.As(err, &timeout):
		return message.LockTimeout(g.String(), timeout.Attempts, e.Limits.LockTimeout, timeout.RetryTimeout, describe(timeout.Blockers), err)
	case errors.Is(err, pg.ErrStopped):
		return e.stopError()
	case errors.Is(err, pg.ErrFenced):
		return message.LeaseLost()
	}
	return err
}

// checkGuard checks that the lease is held and that the action's assumptions hold, before a statement that cannot
// run in a transaction with these checks. A process that was suspended may resume between an inspection and its
// action.
func (e *Executor) checkGuard(ctx context.Context) error {
	if e.Lease == nil && e.assumption == "" {
		return nil
	}
	fence := e.leaseQuery()
	holds, err := e.session.HasRow(ctx, fenced(fence, e.assumption))
	if err != nil || holds {
		return err
	}
	if ours, err := e.session.HasRow(ctx, fenced(fence, "")); err != nil || ours {
		return errors.Join(err, pg.ErrAltered)
	}
	return message.LeaseLost()
}

// leaseQuery returns a query that returns a row while the lease is held; "" without a lease.
func (e *Executor) leaseQuery() string {
	if e.Lease == nil {
		return ""
	}
	return e.Lease.HeldQuery()
}

// recordLock reports the locks of a change for which others waited, and adds the ACCESS EXCLUSIVE ones to the sums.
func (e *Executor) recordLock(g plan.Group, taken []lock.Lock, result pg.ChangeResult) {
	locked := event.Locked{Table: g.String(), Attempts: result.Attempts, Wait: result.Wait, Hold: result.Hold}
	for _, l := range lock.Blocking(lock.InOrder(taken)) {
		locked.Locks = append(locked.Locks, event.LockedTable{Table: l.Table.All().String(), Mode: string(l.Mode)})
	}
	if n := len(locked.Exclusive()); n > 0 {
		sum := &e.totals.locks
		sum.Count += n
		sum.Attempts++
		sum.LongestWait, sum.LongestHold = max(sum.LongestWait, result.Wait), max(sum.LongestHold, result.Hold)
		sum.TotalHold += result.Hold
	}
	e.Emit.Emit(locked)
}

// validate validates a CHECK constraint. It returns errNullWritten if a row violates it: NULL was written during
// the run, and the table's steps are repeated.
func (e *Executor) validate(ctx context.Context, g plan.Group, a step.Validate, st *groupState) error {
	err := e.explainLockError(g, e.session.ExecGuarded(ctx, e.leaseQuery(), e.assumption, a.Statement))
	var serverErr *pgconn.PgError
	if errors.As(err, &serverErr) && serverErr.Code == pgerrcode.CheckViolation {
		st.filled = nil
		return errNullWritten
	}
	return err
}

func describe(backends []pg.Backend) []string {
	lines := make([]string, len(backends))
	for i, b := range backends {
		lines[i] = b.String()
	}
	return lines
}
