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
	"github.com/rekey-pg/rekey/internal/step"
)

//go:embed queries/deadlock.sql
var deadlockSQL string

const (
	// cycleEvery is well below any usual deadlock_timeout (1 s): whoever has waited for so long is the one
	// that the server ends, and that would be the application's session as often as ours.
	deadlockCheckInterval = 200 * time.Millisecond
	// yieldPause lets the other through before the next try.
	yieldPause = 500 * time.Millisecond
)

// direct runs a statement that cannot run in a transaction. What another run has built in the meantime is
// not to be dropped: the lease is looked at anew, each time.
//
// Such a statement waits for other sessions while it holds SHARE UPDATE EXCLUSIVE. One of them may want
// a lock that conflicts with this: then direct gives way before the server finds a deadlock, and says so.
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

// yield cancels the backend's statement when it is one half of a deadlock.
func (e *Executor) breakDeadlocks(ctx context.Context, pid uint32, cancelled *atomic.Bool) {
	poll(ctx, deadlockCheckInterval, func() error { return e.breakDeadlock(ctx, pid, func() { cancelled.Store(true) }) })
}

// part cancels the backend's statement if it and another wait for each other, and says so before.
func (e *Executor) breakDeadlock(ctx context.Context, pid uint32, report func()) error {
	return pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
		var cycle bool
		if err := tx.QueryRow(ctx, deadlockSQL, int64(pid)).Scan(&cycle); err != nil || !cycle {
			return err
		}
		report()
		return cancelStatement(ctx, tx, pid)
	})
}

// drop drops an index concurrently, and again when it had to give way.
func (e *Executor) dropIndex(ctx context.Context, t step.Target, sql string) error {
	for start := time.Now(); ; {
		if err := e.awaitStandbys(ctx, t); err != nil {
			return err
		}
		yielded, err := e.execOutsideTx(ctx, sql, nil)
		var serverErr *pgconn.PgError
		again := yielded && errors.As(err, &serverErr) && serverErr.Code == pgerrcode.QueryCanceled
		if !again || time.Since(start) > e.Limits.LockRetryTimeout {
			return err
		}
		if err := e.sleep(ctx, yieldPause); err != nil {
			return err
		}
	}
}

// pause waits, unless the run is asked to end.
func (e *Executor) sleep(ctx context.Context, interval time.Duration) error {
	select {
	case <-time.After(interval):
		return nil
	case <-e.Stop:
		return e.stopError()
	case <-ctx.Done():
		return message.LeftAtSignal(context.Cause(ctx))
	}
}
