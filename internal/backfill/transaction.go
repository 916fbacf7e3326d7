package backfill

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	// LockTimeout bounds the wait for ROW EXCLUSIVE on the table, before any row is locked.
	LockTimeout = 2 * time.Second
	// idleTimeout frees the rows of a batch whose process was stopped or cut off in its middle.
	idleTimeout = 10 * time.Second
	// LeastStatement is the shortest statement_timeout: a disk that stalls is no reason for a smaller batch.
	MinStatementTimeout = 5 * time.Second
	statementFactor     = 100 // statement_timeout, in target times
	firstPause          = 20 * time.Millisecond
	longestPause        = 5 * time.Second
)

// ErrTooSlow says that the server's timeouts ended a batch.
var ErrTooSlow = errors.New("the batch was ended by a timeout")

// ErrBusy says that what is needed is not to be had now; Attempt tries again.
var ErrBusy = errors.New("an earlier batch has not ended yet")

// Batching are the settings of every transaction that fills. A crash of the server may take back the last
// moments of what was committed so, cursor and rows together.
func (w Work) BatchSettings(leastStatement time.Duration) pg.Settings {
	return pg.Settings{
		Lock: LockTimeout, Statement: max(statementFactor*w.Pace.BatchTime(), leastStatement), Idle: idleTimeout,
		SynchronousCommit: "off", Replica: w.Replica,
	}
}

// Attempt runs work in a transaction, fenced by the diary, and tries again what may succeed on another
// try. What ran into a timeout is not: that is ErrTooSlow, for the caller to make it smaller.
func (w Work) RunBatch(ctx context.Context, settings func() pg.Settings, work func(pg.Tx) error) error {
	begun, pause := time.Now(), firstPause
	for {
		err := pg.Run(ctx, w.Pool, settings(), func(tx pg.Tx) error {
			if w.Checkpoints != nil {
				if err := w.Checkpoints.Guard(ctx, tx); err != nil {
					return err
				}
			}
			return work(tx)
		})
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		switch responseTo(err) {
		case shrink:
			return errors.Join(ErrTooSlow, err)
		case fatal:
			return err
		case retry, reconnect:
		}
		if time.Since(begun) > w.RetryTimeout {
			return err
		}
		if err := w.Sleep(ctx, pause/2+rand.N(pause)); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// slowTries is how often something is tried that cannot be made smaller.
const timeoutAttempts = 5

// Steady is Attempt for what cannot be made smaller: what ran into a timeout is tried again, since a machine that
// is paused for a moment is no reason to end a run.
func (w Work) RunTransaction(ctx context.Context, settings func() pg.Settings, work func(pg.Tx) error) (err error) {
	for range timeoutAttempts {
		if err = w.RunBatch(ctx, settings, work); !errors.Is(err, ErrTooSlow) {
			break
		}
	}
	return err
}

// steady runs a transaction of a filling that is no batch.
func (f *filler) runTransaction(ctx context.Context, work func(pg.Tx) error) error {
	return f.RunTransaction(ctx, func() pg.Settings { return f.BatchSettings(f.minTimeout) }, work)
}

// transaction runs a batch.
func (f *filler) runBatch(ctx context.Context, work func(pg.Tx) error) error {
	return f.RunBatch(ctx, func() pg.Settings { return f.BatchSettings(f.minTimeout) }, work)
}
