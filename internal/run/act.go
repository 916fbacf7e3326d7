package run

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// act runs one action.
func (e *Executor) act(ctx context.Context, g plan.Group, s step.Step, action step.Action, l *look, watch *codeWatch) (err error) {
	defer func() { l.after(action, err) }()
	e.relied = l.relied(s, action)
	defer func() { e.relied = "" }()
	for _, sql := range step.SQL(action) {
		e.Emit.Emit(event.Executing{Step: string(s.ID()), SQL: sql})
	}
	switch a := action.(type) {
	case step.Change:
		l.filled = nil
		a.Guard = both(both(a.Guard, e.relied), watch.guard())
		return e.change(ctx, g, e.stamped(g, s, a, l))
	case step.Concurrently:
		return e.concurrently(ctx, g, a, l)
	case step.Validate:
		return e.validate(ctx, g, a, l)
	case step.Fill:
		return e.fill(ctx, g, a, l)
	default:
		return message.Broken(string(s.ID()), errors.New("unknown action"))
	}
}

func (e *Executor) change(ctx context.Context, g plan.Group, a step.Change) error {
	changer := pg.Changer{
		Session: e.lane, Watch: e.Pool, LockTimeout: e.Limits.LockTimeout, RetryTimeout: e.Limits.LockRetryTimeout,
		DeadlockTimeout: time.Duration(e.Plan.Server.DeadlockTimeout) * time.Millisecond,
		Standbys:        e.Standbys,
		Stop:            e.Stop,
		BeforeRetry:     e.still,
		AttemptFailed:   func(r pg.FailedAttempt) { e.refused(name(g), r) },
	}
	if e.Lease != nil {
		changer.Fence = e.Lease.FenceQuery()
	}
	taken, err := changer.Do(ctx, pg.Change{
		Table: a.Table, Exclusive: a.Exclusive, Only: a.Only, Statements: a.Statements, Guard: a.Guard,
	})
	if taken.Exclusive {
		e.locked(g, taken)
	}
	return e.unlocked(g, err)
}

func (e *Executor) refused(table string, r pg.FailedAttempt) {
	e.account.locks.Attempts++
	e.Emit.Emit(event.LockRefused{Table: table, Attempts: r.Attempts, Blockers: words(r.Blockers), Pause: r.Pause})
}

// unlocked says why a lock was not had.
func (e *Executor) unlocked(g plan.Group, err error) error {
	var refused *pg.LockTimeoutError
	switch {
	case errors.As(err, &refused):
		return message.NoLock(name(g), refused.Attempts, refused.RetryTimeout, words(refused.Blockers), err)
	case errors.Is(err, pg.ErrStopped):
		return e.stopped()
	case errors.Is(err, pg.ErrFenced):
		return message.LeaseLost()
	}
	return err
}

// guard asks the server whether the lease is still ours, and what the action relies on still there, before what no
// transaction can fence: a process that was suspended may wake up between a look and the action that follows from it.
func (e *Executor) guard(ctx context.Context) error {
	if e.Lease == nil && e.relied == "" {
		return nil
	}
	fence := e.held()
	holds, err := e.lane.HasRow(ctx, fenced(fence, e.relied))
	if err != nil || holds {
		return err
	}
	if ours, err := e.lane.HasRow(ctx, fenced(fence, "")); err != nil || ours {
		return errors.Join(err, pg.ErrAltered)
	}
	return message.LeaseLost()
}

// held is a query that returns a row while the lease is held; "" without a lease.
func (e *Executor) held() string {
	if e.Lease == nil {
		return ""
	}
	return e.Lease.HeldQuery()
}

func (e *Executor) locked(g plan.Group, taken pg.ChangeResult) {
	locks := &e.account.locks
	locks.Count++
	locks.Attempts++
	locks.LongestWait = max(locks.LongestWait, taken.Wait)
	locks.LongestHold = max(locks.LongestHold, taken.Hold)
	locks.TotalHold += taken.Hold
	e.Emit.Emit(event.Locked{Table: name(g), Attempts: taken.Attempts, Wait: taken.Wait, Hold: taken.Hold})
}

// validate proves a CHECK. A row without a value that it meets was written meanwhile: the table's
// steps begin again.
func (e *Executor) validate(ctx context.Context, g plan.Group, a step.Validate, l *look) error {
	err := e.unlocked(g, e.lane.ExecGuarded(ctx, e.held(), e.relied, a.SQL))
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) && refusal.Code == pgerrcode.CheckViolation {
		l.filled = nil
		return errNulls
	}
	return err
}

// name is the table that a group is about, for people.
func name(g plan.Group) string {
	if g.Target.Table != "" {
		return g.Target.String()
	}
	return g.Table
}

func words(backends []pg.Backend) []string {
	lines := make([]string, len(backends))
	for i, b := range backends {
		lines[i] = b.String()
	}
	return lines
}
