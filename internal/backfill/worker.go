package backfill

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	maxPages  = 4000 // of a transaction
	maxRows   = 20_000
	firstRows = 2000
	minRows   = 10
	// maxRepeats is how many times a range is repeated because it has more rows than a batch may.
	maxRepeats = 20
)

// worker fills one region after the other.
type worker struct {
	*pass
	number    int64
	position  position
	pageSizer *pace.Sizer
	rowSizer  *pace.Sizer
	pages     int64 // size of the region
	repeats   int
	slow      SlowBatches
	filled    int64        // rows of this region
	sample    updateCounts // of this region
}

func (w *worker) work(ctx context.Context) error {
	w.pageSizer = pace.NewSizer(w.choice.Batch, 1, maxPages)
	w.rowSizer = pace.NewSizer(firstRows, minRows, maxRows)
	for {
		if w.position.Over {
			if err := w.Wait(ctx); err != nil {
				return err
			}
			if ok, err := w.nextRegion(ctx, w); !ok || err != nil {
				return err
			}
		}
		start := time.Now()
		if err := w.waves(ctx); err != nil {
			return err
		}
		w.recordRegion(w.pages, time.Since(start))
		if err := w.vacuumIfDue(ctx); err != nil {
			return err
		}
	}
}

// waves fills the worker's region. If it fills no row, it sweeps the region at once: rows that cannot be filled end the
// filling.
func (w *worker) waves(ctx context.Context) error {
	w.filled, w.sample = 0, updateCounts{}
	bounds := WaveBounds(w.position.Waves)
	for !w.position.Over {
		if err := w.wave(ctx, bounds[w.position.Wave]); err != nil {
			return err
		}
		w.position = w.position.nextWave()
	}
	if w.filled > 0 {
		return w.checkHeapOnly(ctx, w.sample)
	}
	_, err := w.sweepRange(ctx, w.ranges, w.position.region())
	return err
}

// wave fills the region's rows below a bound, batch by batch.
func (w *worker) wave(ctx context.Context, bound int) error {
	first := true
	return w.Batches(ctx, []*pace.Sizer{w.pageSizer, w.rowSizer}, func(ctx context.Context) (done bool, err error) {
		done, err = w.batch(ctx, bound, first)
		first = first && errors.Is(err, ErrTooSlow)
		return done, err
	})
}

// batch runs one transaction of a wave. done reports the end of the wave.
func (w *worker) batch(ctx context.Context, bound int, first bool) (done bool, err error) {
	if remaining := w.position.remaining(); w.position.Begun && remaining.from >= remaining.to {
		return true, nil
	}
	start, limit := time.Now(), int64(w.rowSizer.Size())
	var b batch
	err = w.Batch(ctx, func(tx pg.Tx) error {
		trip := time.Since(start) // of the BEGIN
		if first {
			if err := w.checkFilenode(ctx, tx); err != nil {
				return err
			}
		}
		b, err = w.fill(ctx, tx, bound, limit, first && w.position.Wave >= firstSampledWave)
		if err != nil || b.empty {
			return err
		}
		b.took = max(b.took-trip, b.took/10)
		return w.save(ctx, tx, b.position)
	})
	if err != nil || b.empty {
		return err == nil, err
	}
	w.sizeNext(b.filled, limit, b.took)
	w.sample.updated += b.after.updated - b.before.updated
	w.sample.heapOnly += b.after.heapOnly - b.before.heapOnly
	w.inPlace.add(b.before, b.after)
	w.position = b.position
	w.filled += b.filled
	w.Record(b.filled)
	if w.slow.Record(0, b.took, w.Pace.BatchTime()) {
		if err := w.Reinspect(ctx); err != nil {
			return false, err
		}
	}
	return w.position.After >= w.position.To && w.position.Begun, nil
}

// batch is what one transaction of a wave did.
type batch struct {
	empty         bool // nothing of the wave was left
	filled        int64
	took          time.Duration // for the filling statement, without the network's round trip
	position      position      // afterwards
	before, after updateCounts  // if it is sampled
}

// fill is the work of a batch. If the batch filled as many rows as it may, there may be more in its range, and the position
// does not advance.
func (w *worker) fill(ctx context.Context, tx pg.Tx, bound int, limit int64, sampled bool) (b batch, err error) {
	remaining := w.position.remaining()
	end, ok, err := w.ranges.split(ctx, tx, remaining, int64(w.pageSizer.Size()))
	if err != nil || !ok {
		return batch{empty: true}, err
	}
	if sampled {
		if b.before, err = w.updateCounts(ctx, tx); err != nil {
			return b, err
		}
	}
	start := time.Now()
	where := w.ranges.condition(remaining.upTo(end))
	tag, err := tx.Exec(ctx, w.sql.fill(where, bound, int(limit)))
	if err != nil {
		return b, WrapBatchError(w.sql.lockRows(where, bound, int(limit)), err)
	}
	b.took = time.Since(start)
	if sampled {
		if b.after, err = w.updateCounts(ctx, tx); err != nil {
			return b, err
		}
	}
	b.filled = tag.RowsAffected()
	b.position = w.position
	b.position.filled += b.filled
	if b.filled < limit || w.repeats >= maxRepeats {
		b.position = b.position.advance(end)
	}
	return b, nil
}

// sizeNext sizes the next batch by pages, and by rows if pages are fuller than expected.
func (w *worker) sizeNext(filled, limit int64, took time.Duration) {
	target := w.Pace.BatchTime()
	w.rowSizer.Record(int(filled), took, target)
	if filled < limit {
		w.repeats = 0
		w.pageSizer.Record(w.pageSizer.Size(), took, target)
		return
	}
	w.repeats++
	w.pageSizer.Halve()
}

// checkFilenode returns errRewritten if the table's file has changed.
func (w *worker) checkFilenode(ctx context.Context, tx pg.Tx) error {
	node, err := w.currentFilenode(ctx, tx)
	if err == nil && node != w.filenode {
		err = errRewritten
	}
	return err
}

func (w *worker) save(ctx context.Context, tx pg.Tx, p position) error {
	if w.Checkpoints == nil {
		return nil
	}
	return w.Checkpoints.Save(ctx, tx, Checkpoint{Filenode: w.filenode, Region: w.number, State: p.encode(), Rows: p.filled})
}
