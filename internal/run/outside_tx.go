package run

import (
	"context"
	_ "embed"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/deadlock.sql
var deadlockSQL string

const (
	// deadlockCheckInterval is well below any usual deadlock_timeout (1 s): the server ends the session that has
	// waited for that long, which could be the application's.
	deadlockCheckInterval = 200 * time.Millisecond
	// yieldPause lets the other session proceed before the next attempt.
	yieldPause = 500 * time.Millisecond
)

// execOutsideTx runs a statement that cannot run in a transaction. It checks the lease and the action's assumptions
// each time, since another run may have built the index in the time since.
//
// The statement waits for other sessions while it holds SHARE UPDATE EXCLUSIVE. If one of them requests a
// conflicting lock, execOutsideTx cancels the statement before the server detects the deadlock, and returns yielded
// as true.
func (e *Executor) execOutsideTx(ctx context.Context, sql string, started func(pid uint32)) (yielded bool, err error) {
	if err := e.checkGuard(ctx); err != nil {
		return false, err
	}
	var cancelled atomic.Bool
	watch, end := background(ctx)
	defer end()
	err = e.session.Exec(ctx, sql, func(pid uint32) {
		watch(func(ctx context.Context) { e.breakDeadlocks(ctx, pid, &cancelled) })
		if started != nil {
			started(pid)
		}
	})
	return err != nil && cancelled.Load(), err
}

// breakDeadlocks cancels the backend's statement whenever it is part of a deadlock.
func (e *Executor) breakDeadlocks(ctx context.Context, pid uint32, cancelled *atomic.Bool) {
	poll(ctx, deadlockCheckInterval, func() error { return e.breakDeadlock(ctx, pid, func() { cancelled.Store(true) }) })
}

// breakDeadlock cancels the backend's statement if it and another session wait for each other. It calls report
// before that.
func (e *Executor) breakDeadlock(ctx context.Context, pid uint32, report func()) error {
	return pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
		var cycle bool
		if err := tx.QueryRow(ctx, deadlockSQL, int64(pid), e.Plan.Server.Cluster.NodeID()).Scan(&cycle); err != nil || !cycle {
			return err
		}
		report()
		return cancelStatement(ctx, tx, pid)
	})
}

// dropIndex drops an index concurrently, and repeats that after it was cancelled to break a deadlock.
func (e *Executor) dropIndex(ctx context.Context, table sqltext.Table, sql string) error {
	for start := time.Now(); ; {
		if err := e.awaitStandbys(ctx, table); err != nil {
			return err
		}
		yielded, err := e.execOutsideTx(ctx, sql, nil)
		var serverErr *pgconn.PgError
		retry := yielded && errors.As(err, &serverErr) && serverErr.Code == pgerrcode.QueryCanceled
		if !retry || time.Since(start) > e.Limits.LockRetryTimeout {
			return err
		}
		if err := e.sleep(ctx, yieldPause); err != nil {
			return err
		}
	}
}

// sleep waits for the interval. It returns an error if the run must end.
func (e *Executor) sleep(ctx context.Context, interval time.Duration) error {
	select {
	case <-time.After(interval):
		return nil
	case <-e.Stop:
		return e.stopError()
	case <-ctx.Done():
		return message.Interrupted(context.Cause(ctx))
	}
}
