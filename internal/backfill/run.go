package backfill

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

// filler fills one table.
type filler struct {
	Job
	sql         statements
	choice      Choice
	ranges      partitioner // of the waves
	sweepRanges partitioner // of the sweeps
	progress    *Progress
	batches     atomic.Int64
	held        atomic.Int64
	inPlace     inPlace
	vacuums     vacuums
	sweeps      int
	orphans     orphans       // in the last sweep
	minTimeout  time.Duration // smallest statement_timeout of a batch
}

// Run fills every row that has no value and returns when a sweep over the whole table finds none. A row that an UPDATE moves
// from a page ahead of the sweep to one already read may be missed; VALIDATE CONSTRAINT finds it.
//
// Errors: ErrStopped, *NoProgressError, *HeldError, *NullsError, the context's cause, an error of Checkpoints, or the
// server's. Rows that are filled stay filled, and Run may be called again.
func Run(ctx context.Context, w Job) (Result, error) { return newFiller(w).fillAll(ctx) }

func newFiller(w Job) *filler {
	f := &filler{
		Job: w, sql: w.statements(), choice: Explain(w.Server, w.Table, w.Column),
		minTimeout: MinStatementTimeout, progress: NewProgress(w.Name().String(), max(int64(w.Table.Rows), 0), w.Emit),
	}
	if f.RetryTimeout <= 0 {
		f.RetryTimeout = DefaultRetryTimeout
	}
	f.ranges, f.sweepRanges = newPartitioner(f.choice, f.sql), newSweepPartitioner(f.choice, f.sql)
	return f
}

func (f *filler) fillAll(ctx context.Context) (Result, error) {
	err := f.run(ctx)
	f.progress.Report(true)
	return Result{
		Rows: f.progress.Rows(), Batches: f.batches.Load(), Held: f.held.Load(), Sweeps: f.sweeps,
		InPlace: f.inPlace.share(), Choice: f.choice, Orphans: f.orphans.rows, OrphanKeys: f.orphans.keys,
	}, err
}

func (f *filler) run(ctx context.Context) error {
	if f.Table.Pages <= tinyPages {
		if done, err := f.fillTiny(ctx); done || err != nil {
			return err
		}
		return f.sweepAll(ctx)
	}
	if err := f.regions(ctx); err != nil {
		return err
	}
	return f.sweepAll(ctx)
}

// fillTiny fills a table of a few pages in one transaction. done reports that no row without a value is left.
func (f *filler) fillTiny(ctx context.Context) (done bool, err error) {
	if err := f.Wait(ctx, f.progress); err != nil {
		return false, err
	}
	var filled int64
	var left counted
	err = f.runBatch(ctx, func(tx pg.Tx) error {
		tag, err := tx.Exec(ctx, f.sql.fill("true", granularity, maxRows))
		if err != nil {
			return WrapBatchError(f.sql.lockRows("true", granularity, maxRows), err)
		}
		filled = tag.RowsAffected()
		left, err = f.count(ctx, tx, unsplit{}, tableRange{})
		return err
	})
	if errors.Is(err, ErrTooSlow) {
		return false, nil
	}
	if err == nil {
		f.record(filled)
		f.orphans = left.orphans
	}
	return err == nil && left.rows == 0, err
}

func (f *filler) record(rows int64) {
	if rows > 0 {
		f.batches.Add(1)
		f.progress.Add(rows)
	}
}

// workers returns the number of concurrent workers.
func (f *filler) workers() int {
	const spare = 4 // connections: two workers, the throttle and the heartbeat
	switch {
	case f.Workers > 0:
		return f.Workers
	case f.Table.Pages <= smallPages, runtime.NumCPU() < 2, f.Pool.Config().MaxConns < spare:
		return 1
	default:
		return f.Pace.Speed().MaxWorkers()
	}
}
