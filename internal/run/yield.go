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

//go:embed queries/cycle.sql
var cycleSQL string

const (
	// cycleEvery is well below any usual deadlock_timeout (1 s): whoever has waited for so long is the one
	// that the server ends, and that would be the application's session as often as ours.
	cycleEvery = 200 * time.Millisecond
	// yieldPause lets the other through before the next try.
	yieldPause = 500 * time.Millisecond
)

// direct runs a statement that cannot run in a transaction. What another run has built in the meantime is
// not to be dropped: the lease is looked at anew, each time.
//
// Such a statement waits for other sessions while it holds SHARE UPDATE EXCLUSIVE. One of them may want
// a lock that conflicts with this: then direct gives way before the server finds a deadlock, and says so.
func (e *Executor) direct(ctx context.Context, sql string, started func(pid uint32)) (yielded bool, err error) {
	if err := e.guard(ctx); err != nil {
		return false, err
	}
	var gave atomic.Bool
	watch, end := beside(ctx)
	defer end()
	err = e.lane.Exec(ctx, sql, func(pid uint32) {
		watch(func(ctx context.Context) { e.yield(ctx, pid, &gave) })
		if started != nil {
			started(pid)
		}
	})
	return err != nil && gave.Load(), err
}

// yield cancels the backend's statement when it is one half of a deadlock.
func (e *Executor) yield(ctx context.Context, pid uint32, gave *atomic.Bool) {
	every(ctx, cycleEvery, func() error { return e.part(ctx, pid, func() { gave.Store(true) }) })
}

// part cancels the backend's statement if it and another wait for each other, and says so before.
func (e *Executor) part(ctx context.Context, pid uint32, say func()) error {
	return pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
		var cycle bool
		if err := tx.QueryRow(ctx, cycleSQL, int64(pid)).Scan(&cycle); err != nil || !cycle {
			return err
		}
		say()
		return cancel(ctx, tx, pid)
	})
}

// drop drops an index concurrently, and again when it had to give way.
func (e *Executor) drop(ctx context.Context, t step.Target, sql string) error {
	for begun := time.Now(); ; {
		if err := e.unread(ctx, t); err != nil {
			return err
		}
		yielded, err := e.direct(ctx, sql, nil)
		var refusal *pgconn.PgError
		again := yielded && errors.As(err, &refusal) && refusal.Code == pgerrcode.QueryCanceled
		if !again || time.Since(begun) > e.Limits.LockRetryTimeout {
			return err
		}
		if err := e.pause(ctx, yieldPause); err != nil {
			return err
		}
	}
}

// pause waits, unless the run is asked to end.
func (e *Executor) pause(ctx context.Context, span time.Duration) error {
	select {
	case <-time.After(span):
		return nil
	case <-e.Stop:
		return e.stopped()
	case <-ctx.Done():
		return message.LeftAtSignal(context.Cause(ctx))
	}
}
