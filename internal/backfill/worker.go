package backfill

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

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
	// saveInterval is how often a worker records its position. A later run reads again, and does not fill again, what was filled since.
	saveInterval = 250 * time.Millisecond
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
	saved     time.Time // when the position was recorded
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
	const spare = 2 // pages decide, unless they have far more rows than those before
	start, limit := time.Now(), int64(min(spare*w.rowSizer.Size(), maxRows))
	saves := w.Checkpoints != nil && start.Sub(w.saved) >= saveInterval
	var b batch
	err = w.Batch(ctx, func(tx pg.Tx) (err error) {
		trip := tx.Trip()
		sampled := first && w.position.Wave >= firstSampledWave
		if first {
			if err := w.checkFilenode(ctx, tx); err != nil {
				return err
			}
		}
		b, err = w.fill(ctx, tx, bound, limit, how{sampled: sampled, statements: w.Pace.Setting().Statements(trip), last: !saves && !sampled})
		b.took = max(b.took-trip, b.took/10) //nolint:mnd // at least a tenth, if BEGIN took long
		if err != nil || b.empty || !saves {
			return err
		}
		return w.save(ctx, tx, b.position)
	})
	if err != nil || b.empty {
		return err == nil, err
	}
	if saves {
		w.saved = start
	}
	if w.record(b) {
		if err := w.Reinspect(ctx); err != nil {
			return false, err
		}
	}
	return w.position.After >= w.position.To && w.position.Begun, nil
}

// record counts a batch that was committed, and reports whether the table should be inspected.
func (w *worker) record(b batch) bool {
	w.sizeNext(b)
	w.sample.updated += b.after.updated - b.before.updated
	w.sample.heapOnly += b.after.heapOnly - b.before.heapOnly
	w.inPlace.add(b.before, b.after)
	w.position = b.position
	w.filled += b.filled
	w.Record(b.filled)
	return w.slow.Record(0, b.took, w.Pace.BatchTime())
}

// batch is what one transaction of a wave did.
type batch struct {
	empty         bool // nothing of the wave was left
	filled        int64
	full          bool          // it filled as many rows as it may
	took          time.Duration // for the filling statements, without the network's round trip
	position      position      // afterwards
	before, after updateCounts  // if it is sampled
}

// how says how a batch runs.
type how struct {
	sampled    bool // it counts its heap-only updates
	statements int  // that fill its rows
	last       bool // the last of them is the last of its transaction
}

// fill is the work of a batch.
func (w *worker) fill(ctx context.Context, tx pg.Tx, bound int, limit int64, how how) (b batch, err error) {
	if how.sampled {
		if b.before, err = w.updateCounts(ctx, tx); err != nil {
			return b, err
		}
	}
	start := time.Now()
	b.position = w.position
	for n := how.statements; n > 0 && !b.full; n-- {
		filled, ok, err := w.fillPart(ctx, tx, &b, bound, limit, how, n == 1)
		if err != nil {
			return b, err
		}
		if !ok {
			b.empty = n == how.statements
			break
		}
		b.filled += filled
	}
	b.position.filled += b.filled
	b.took = time.Since(start)
	if how.sampled && !b.empty {
		b.after, err = w.updateCounts(ctx, tx)
	}
	return b, err
}

// fillPart runs one of the statements of a batch; ok is false if nothing of the wave is left. If it filled as many rows as it may, there
// may be more in its range, and the position does not advance.
func (w *worker) fillPart(ctx context.Context, tx pg.Tx, b *batch, bound int, limit int64, how how, last bool) (filled int64, ok bool, err error) {
	rest, parts := b.position.remaining(), int64(how.statements)
	if b.position.Begun && rest.from >= rest.to {
		return 0, false, nil
	}
	end, ok, err := w.ranges.split(ctx, tx, rest, (int64(w.pageSizer.Size())+parts-1)/parts)
	if err != nil || !ok {
		return 0, false, err
	}
	where, rows := w.ranges.condition(rest.upTo(end)), int((limit+parts-1)/parts)
	exec := func() (pgconn.CommandTag, error) { return tx.Exec(ctx, w.sql.fill(where, bound, rows)) }
	if how.last && last {
		exec = func() (pgconn.CommandTag, error) { return tx.ExecLast(ctx, w.sql.fill(where, bound, rows)) }
	}
	tag, err := exec()
	if err != nil {
		return 0, false, WrapBatchError(w.sql.lockRows(where, bound, rows), err)
	}
	filled = tag.RowsAffected()
	b.full = filled >= int64(rows)
	if !b.full || w.repeats >= maxRepeats {
		b.position = b.position.advance(end)
	}
	return filled, true, nil
}

// sizeNext sizes the next batch by pages, and by rows if pages are fuller than expected.
func (w *worker) sizeNext(b batch) {
	target := w.Pace.BatchTime()
	w.rowSizer.Record(int(b.filled), b.took, target)
	if !b.full {
		w.repeats = 0
		w.pageSizer.Record(w.pageSizer.Size(), b.took, target)
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
