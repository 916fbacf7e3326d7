package backfill

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	// LockTimeout is the lock_timeout of a batch, for ROW EXCLUSIVE on the table before any row is locked.
	LockTimeout = 2 * time.Second
	// idleTimeout ends a batch, and releases its rows, if its process was suspended or lost its network.
	idleTimeout = 10 * time.Second
	// minStatementTimeout is the shortest statement_timeout: a disk that stalls does not make batches smaller.
	minStatementTimeout = 5 * time.Second
	statementFactor     = 100 // statement_timeout, as a multiple of the target
	firstPause          = 20 * time.Millisecond
	longestPause        = 5 * time.Second
)

// ErrTooSlow is returned for a batch that a timeout of the server ended.
var ErrTooSlow = errors.New("a timeout ended the batch")

// ErrBusy is returned by work that has to wait for an earlier batch, which is retried.
var ErrBusy = errors.New("an earlier batch has not ended yet")

// BatchSettings returns the settings of a transaction that fills. Unless it flushes its own WAL, it commits asynchronously:
// after a crash of the server the last batches may be lost, rows and checkpoints together.
func (j Job) BatchSettings() pg.Settings {
	statement, _ := j.Writer.(Statement)
	return pg.Settings{
		Lock: LockTimeout, Statement: max(statementFactor*j.Pace.BatchTime(), minStatementTimeout), Idle: idleTimeout,
		SynchronousCommit: durability(j.Pace.Setting()), Replica: j.Replica, Fill: statement.setting,
	}
}

// durability returns the synchronous_commit of a batch. With "local" a batch flushes its own WAL, so that no COMMIT of the
// application has to; unlike "on" it does not wait for a synchronous standby, while it holds rows of the application.
func durability(s pace.Setting) string {
	if s.Flush == pace.FlushByBatch {
		return "local"
	}
	return "off"
}

// Settings returns the settings of a batch.
func (e *Engine) Settings() pg.Settings {
	s := e.BatchSettings()
	s.Statement = max(statementFactor*e.Pace.BatchTime(), e.minTimeout)
	return s
}

// Batch runs work in a transaction that Checkpoints protects, and retries errors that may be temporary for up to
// RetryTimeout. It returns ErrTooSlow after a timeout, so that the caller can make the batch smaller.
func (e *Engine) Batch(ctx context.Context, work func(pg.Tx) error) error {
	return e.retry(ctx, e.tryBatch, e.Settings, work)
}

// BatchIf is Batch with a precondition, whose error may be temporary.
func (e *Engine) BatchIf(ctx context.Context, p pg.Precondition, work func(pg.Tx) error) error {
	return e.retry(ctx, e.tryBatch, func() pg.Settings {
		s := e.Settings()
		s.Preconditions = append(s.Preconditions, p)
		return s
	}, work)
}

type attempt func(context.Context, pg.Settings, func(pg.Tx) error) error

func (e *Engine) retry(ctx context.Context, try attempt, settings func() pg.Settings, work func(pg.Tx) error) error {
	start, pause := time.Now(), firstPause
	for {
		err := try(ctx, settings(), work)
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
		if time.Since(start) > e.RetryTimeout {
			return err
		}
		if err := e.Sleep(ctx, pause/2+rand.N(pause)); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// tryBatch is try within the gate.
func (e *Engine) tryBatch(ctx context.Context, s pg.Settings, work func(pg.Tx) error) error {
	if e.Gate != nil {
		leave, err := e.Gate()
		if err != nil {
			return err
		}
		defer leave()
	}
	return e.try(ctx, s, work)
}

func (e *Engine) try(ctx context.Context, s pg.Settings, work func(pg.Tx) error) error {
	s.ByIndex = e.ByIndex
	defer e.Pace.Begin()()
	return e.RunProtected(ctx, s, work)
}

// RunProtected runs work in one transaction that Checkpoints protects. It returns [pg.ErrFenced] if another run has taken over.
func (j Job) RunProtected(ctx context.Context, s pg.Settings, work func(pg.Tx) error) error {
	if j.Checkpoints == nil {
		return pg.Run(ctx, j.Pool, s, work)
	}
	s.Preconditions = append(s.Preconditions, j.Checkpoints.Preconditions()...)
	return pg.Run(ctx, j.Pool, s, func(tx pg.Tx) error {
		if err := j.Checkpoints.Guard(ctx, tx); err != nil {
			return err
		}
		return work(tx)
	})
}

// timeoutAttempts is how often Transaction tries work that times out.
const timeoutAttempts = 5

// Transaction is Batch for work that cannot be made smaller, with other settings: it also retries timeouts, since a brief
// suspension of the machine must not end a run.
func (e *Engine) Transaction(ctx context.Context, settings func() pg.Settings, work func(pg.Tx) error) (err error) {
	for range timeoutAttempts {
		if err = e.retry(ctx, e.try, settings, work); !errors.Is(err, ErrTooSlow) {
			break
		}
	}
	return err
}

// Wait waits while the pace is paused, and reports the reason, or while it rests. A worker also waits while as many others
// work as the pace says. Wait returns ErrStopped when Stop is closed.
func (e *Engine) Wait(ctx context.Context) error {
	for {
		reason, changed := e.Progress.paused(e.Pace)
		waits := reason != ""
		if !waits {
			waits, changed = e.Pace.Resting()
		}
		surplus, ended := e.surplus(ctx)
		if !waits && !surplus {
			return e.Sleep(ctx, 0)
		}
		select {
		case <-changed:
		case <-ended:
		case <-e.Stop:
			return ErrStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Sleep waits for a duration. It returns ErrStopped when Stop is closed.
func (e *Engine) Sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-e.Stop:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
	}
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-e.Stop:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
