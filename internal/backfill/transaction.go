package backfill

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	// LockTimeout is the lock_timeout of a batch, for ROW EXCLUSIVE on the table before any row is locked.
	LockTimeout = 2 * time.Second
	// idleTimeout ends a batch, and releases its rows, if its process was suspended or lost its network.
	idleTimeout = 10 * time.Second
	// MinStatementTimeout is the shortest statement_timeout: a disk that stalls does not make batches smaller.
	MinStatementTimeout = 5 * time.Second
	statementFactor     = 100 // statement_timeout, as a multiple of the target
	firstPause          = 20 * time.Millisecond
	longestPause        = 5 * time.Second
)

// ErrTooSlow is returned for a batch that a timeout of the server ended.
var ErrTooSlow = errors.New("a timeout ended the batch")

// ErrBusy is returned by work that has to wait for an earlier batch. RunBatch retries it.
var ErrBusy = errors.New("an earlier batch has not ended yet")

// BatchSettings returns the settings of a transaction that fills. It commits asynchronously: after a crash of the server
// the last batches may be lost, rows and checkpoints together.
func (j Job) BatchSettings(minStatement time.Duration) pg.Settings {
	return pg.Settings{
		Lock: LockTimeout, Statement: max(statementFactor*j.Pace.BatchTime(), minStatement), Idle: idleTimeout,
		SynchronousCommit: "off", Replica: j.Replica, Fill: j.Writer.setting,
	}
}

// RunBatch runs work in a transaction that Checkpoints.Guard protects, and retries errors that may be temporary for up to
// RetryTimeout. It returns ErrTooSlow after a timeout, so that the caller can make the batch smaller.
func (j Job) RunBatch(ctx context.Context, settings func() pg.Settings, work func(pg.Tx) error) error {
	start, pause := time.Now(), firstPause
	for {
		err := pg.Run(ctx, j.Pool, settings(), func(tx pg.Tx) error {
			if j.Checkpoints != nil {
				if err := j.Checkpoints.Guard(ctx, tx); err != nil {
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
		if time.Since(start) > j.RetryTimeout {
			return err
		}
		if err := j.Sleep(ctx, pause/2+rand.N(pause)); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// timeoutAttempts is how often RunTransaction tries work that times out.
const timeoutAttempts = 5

// RunTransaction is RunBatch for work that cannot be made smaller: it also retries timeouts, since a brief suspension of the
// machine must not end a run.
func (j Job) RunTransaction(ctx context.Context, settings func() pg.Settings, work func(pg.Tx) error) (err error) {
	for range timeoutAttempts {
		if err = j.RunBatch(ctx, settings, work); !errors.Is(err, ErrTooSlow) {
			break
		}
	}
	return err
}

// runTransaction runs a transaction of the filling that is not a batch.
func (f *filler) runTransaction(ctx context.Context, work func(pg.Tx) error) error {
	return f.RunTransaction(ctx, func() pg.Settings { return f.BatchSettings(f.minTimeout) }, work)
}

// runBatch runs a batch.
func (f *filler) runBatch(ctx context.Context, work func(pg.Tx) error) error {
	return f.RunBatch(ctx, func() pg.Settings { return f.BatchSettings(f.minTimeout) }, work)
}
