package backfill

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	maxPasses         = 12
	passesWithoutRest = 3 // passes that usually find rows: skipped, moved, moved again
	// maxTimeouts is how many times in a row the smallest batch may time out.
	maxTimeouts = 5
	// maxRefilled is how many attempts may fill rows and find as many without a value afterwards. Then another session writes
	// NULL, and the whole table is read again.
	maxRefilled = 10
)

// Engine runs a job. It has what every method needs: passes, batches, workers, transactions, and rows that others hold.
type Engine struct {
	Job
	Progress *Progress
	// ByIndex makes the planner use indexes in every transaction, with any statistics.
	ByIndex    bool
	batches    atomic.Int64
	held       atomic.Int64
	passes     int
	minTimeout time.Duration // smallest statement_timeout of a batch
}

// Run fills every row that is still to do and returns when a pass over the whole table finds none. A row that an UPDATE moves
// from a page ahead of the pass to one already read may be missed; VALIDATE CONSTRAINT finds it.
//
// Errors: ErrStopped, *NoProgressError, *HeldError, *NullsError, the context's cause, an error of the writer or of
// Checkpoints, or the server's. Rows that are filled stay filled, and Run may be called again.
func Run(ctx context.Context, j Job) (Result, error) {
	e := NewEngine(j)
	m, err := j.Writer.Method(ctx, e)
	if err != nil {
		return Result{}, err
	}
	return e.run(ctx, m)
}

// NewEngine returns the engine that Run uses. It is for tests of methods.
func NewEngine(j Job) *Engine {
	if j.RetryTimeout <= 0 {
		j.RetryTimeout = DefaultRetryTimeout
	}
	return &Engine{Job: j, minTimeout: minStatementTimeout, Progress: newProgress(j.Name().String(), max(int64(j.Table.Rows), 0), j.Emit)}
}

func (e *Engine) run(ctx context.Context, m Method) (Result, error) {
	err := e.fill(ctx, m)
	e.Progress.Report(true)
	r := Result{Rows: e.Progress.Rows(), Batches: e.batches.Load(), Held: e.held.Load(), Passes: e.passes}
	m.Complete(&r)
	return r, err
}

func (e *Engine) fill(ctx context.Context, m Method) error {
	if done, err := e.once(ctx, m); done || err != nil {
		return err
	}
	if err := m.Begin(ctx); err != nil {
		return err
	}
	if err := e.repeat(ctx, m); err != nil {
		return err
	}
	return m.End(ctx)
}

// once fills a table of a few pages in one transaction.
func (e *Engine) once(ctx context.Context, m Method) (done bool, err error) {
	if e.Table.Pages > tinyPages {
		return false, nil
	}
	if err := e.Wait(ctx); err != nil {
		return false, err
	}
	var filled int64
	err = e.Batch(ctx, func(tx pg.Tx) (err error) {
		filled, done, err = m.Once(ctx, tx)
		return err
	})
	if err != nil {
		if errors.Is(err, ErrTooSlow) {
			err = nil
		}
		return false, err
	}
	if e.Record(filled); done {
		e.passes = 1
	}
	return done, nil
}

// repeat runs passes until one finds no row that is still to do.
func (e *Engine) repeat(ctx context.Context, m Method) error {
	for pause := firstPause; ; {
		e.passes++
		left, err := m.Pass(ctx)
		if err != nil || left == 0 {
			return err
		}
		if e.passes >= maxPasses {
			return &NullsError{Table: e.Name().String(), Column: e.Column, Sweeps: e.passes, Rows: left}
		}
		if e.passes >= passesWithoutRest {
			if err := e.Sleep(ctx, pause); err != nil {
				return err
			}
			pause = min(2*pause, longestPause)
		}
	}
}

// RetryHeld repeats an attempt to fill rows until others hold none, with growing pauses; rows is how many they hold now. It
// holds no lock during a pause.
func (e *Engine) RetryHeld(ctx context.Context, rows int64, attempt func(context.Context) (held, filled int64, err error)) error {
	fewest, since, refilled := int64(math.MaxInt64), time.Now(), 0
	for pause := firstPause; rows > 0 && refilled < maxRefilled; pause = min(2*pause, longestPause) {
		if err := e.Sleep(ctx, pause); err != nil {
			return err
		}
		held, filled, err := attempt(ctx)
		if err != nil {
			return err
		}
		if held < fewest {
			fewest, since, refilled, pause = held, time.Now(), 0, firstPause
		} else if filled > 0 {
			refilled++
		}
		if rows = held; rows > 0 && time.Since(since) > e.RetryTimeout {
			return &HeldError{Table: e.Name().String(), Rows: rows, Timeout: e.RetryTimeout}
		}
	}
	return nil
}

// Batches runs batches until the last one. It waits while the pace is paused, makes batches that time out smaller, and rests
// after each as the pace demands.
func (e *Engine) Batches(ctx context.Context, sizers []*pace.Sizer, batch func(context.Context) (last bool, err error)) error {
	for timeouts := 0; ; {
		if err := e.Wait(ctx); err != nil {
			return err
		}
		start := time.Now()
		last, err := batch(ctx)
		if errors.Is(err, ErrTooSlow) {
			smallest := !slices.ContainsFunc(sizers, func(s *pace.Sizer) bool { return !s.AtMinimum() })
			if timeouts++; timeouts > maxTimeouts && smallest {
				return err
			}
			for _, s := range sizers {
				s.Shrink()
			}
			continue
		}
		if err != nil {
			return err
		}
		timeouts = 0
		if err := e.Sleep(ctx, e.Pace.Rest(time.Since(start))); err != nil || last {
			return err
		}
	}
}

// Record counts the rows that a batch filled.
func (e *Engine) Record(rows int64) {
	if rows > 0 {
		e.batches.Add(1)
		e.Progress.add(rows)
	}
}

// RecordHeld counts rows that others hold.
func (e *Engine) RecordHeld(rows int64) {
	if rows > 0 {
		e.held.Add(rows)
		e.Progress.addHeld(rows)
	}
}
