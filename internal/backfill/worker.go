package backfill

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	mostPages  = 4000 // a transaction
	mostRows   = 20_000
	firstRows  = 2000
	fewestRows = 10
	// mostTimeouts is how often the smallest batch may run into a timeout, one after the other.
	mostTimeouts = 5
	// mostRepeats bounds how often a range is taken again because it held more rows than one batch may.
	mostRepeats = 20
)

// worker goes over one region after the other.
type worker struct {
	*pass
	number   int64
	position position
	pages    *pace.Sizer
	rows     *pace.Sizer
	size     int64 // of the region, in pages
	timeouts int
	repeats  int
	doubt    SlowBatches
	filled   int64  // in this region
	sample   counts // of this region's updates
}

func (w *worker) work(ctx context.Context) error {
	w.pages = pace.NewSizer(w.choice.Batch, 1, mostPages)
	w.rows = pace.NewSizer(firstRows, fewestRows, mostRows)
	for {
		if w.position.Over {
			if err := w.Wait(ctx, w.progress); err != nil {
				return err
			}
			if ok, err := w.claim(ctx, w); !ok || err != nil {
				return err
			}
		}
		begun := time.Now()
		if err := w.waves(ctx); err != nil {
			return err
		}
		w.took(w.size, time.Since(begun))
		if err := w.reuse(ctx); err != nil {
			return err
		}
	}
}

// waves goes over the worker's region. One in which nothing was filled at all is looked at by a sweep
// at once: if its rows cannot be filled there is no use in going on.
func (w *worker) waves(ctx context.Context) error {
	w.filled, w.sample = 0, counts{}
	all := bounds(w.position.Waves)
	for !w.position.Over {
		if err := w.wave(ctx, all[w.position.Wave]); err != nil {
			return err
		}
		w.position = w.position.next()
	}
	if w.filled > 0 {
		return w.judge(ctx, w.sample)
	}
	_, err := w.sweepRange(ctx, w.ground, w.position.region())
	return err
}

// wave takes the region's rows below a bound, batch by batch.
func (w *worker) wave(ctx context.Context, bound int) error {
	fresh := true
	for {
		if err := w.Wait(ctx, w.progress); err != nil {
			return err
		}
		begun := time.Now()
		done, err := w.batch(ctx, bound, fresh)
		if errors.Is(err, ErrTooSlow) {
			err = w.split(err)
		}
		if done || err != nil {
			return err
		}
		fresh = false
		if err := w.Sleep(ctx, w.Pace.Rest(time.Since(begun))); err != nil {
			return err
		}
	}
}

func (w *worker) split(err error) error {
	w.timeouts++
	if w.timeouts > mostTimeouts && w.pages.AtMinimum() && w.rows.AtMinimum() {
		return err
	}
	w.pages.Shrink()
	w.rows.Shrink()
	return nil
}

// batch is one transaction of a wave; done tells that the wave is over.
func (w *worker) batch(ctx context.Context, bound int, fresh bool) (done bool, err error) {
	if left := w.position.left(); w.position.Begun && left.from >= left.to {
		return true, nil
	}
	begun, most := time.Now(), int64(w.rows.Size())
	var b batch
	err = w.transaction(ctx, func(tx pg.Tx) error {
		trip := time.Since(begun) // the BEGIN's
		if fresh {
			if err := w.unmoved(ctx, tx); err != nil {
				return err
			}
		}
		b, err = w.fill(ctx, tx, bound, most, fresh && w.position.Wave >= sampledFrom)
		if err != nil || b.empty {
			return err
		}
		b.took = max(b.took-trip, b.took/10)
		return w.save(ctx, tx, b.position)
	})
	if err != nil || b.empty {
		return err == nil, err
	}
	w.note(b.filled, most, b.took)
	w.sample.updated += b.after.updated - b.before.updated
	w.sample.heapOnly += b.after.heapOnly - b.before.heapOnly
	w.inPlace.add(b.before, b.after)
	w.position = b.position
	w.timeouts = 0
	w.filled += b.filled
	w.did(b.filled)
	if w.doubt.Record(0, b.took, w.Pace.BatchTime()) {
		if err := w.Reinspect(ctx); err != nil {
			return false, err
		}
	}
	return w.position.After >= w.position.To && w.position.Begun, nil
}

// batch is what one transaction of a wave did.
type batch struct {
	empty         bool // nothing was left of the wave
	filled        int64
	took          time.Duration // by the filling statement; where the way there and back is long, without that
	position      position      // afterwards
	before, after counts        // of a sampled one
}

// fill does the work of a batch. Where it met as many rows as it may fill, there may be more: the
// position stays.
func (w *worker) fill(ctx context.Context, tx pg.Tx, bound int, most int64, sampled bool) (b batch, err error) {
	left := w.position.left()
	end, ok, err := w.ground.cut(ctx, tx, left, int64(w.pages.Size()))
	if err != nil || !ok {
		return batch{empty: true}, err
	}
	if sampled {
		if b.before, err = w.counts(ctx, tx); err != nil {
			return b, err
		}
	}
	begun := time.Now()
	where := w.ground.where(left.until(end))
	tag, err := tx.Exec(ctx, w.text.fill(where, bound, int(most)))
	if err != nil {
		return b, WrapBatchError(w.text.pick(where, bound, int(most)), err)
	}
	b.took = time.Since(begun)
	if sampled {
		if b.after, err = w.counts(ctx, tx); err != nil {
			return b, err
		}
	}
	b.filled = tag.RowsAffected()
	b.position = w.position
	b.position.filled += b.filled
	if b.filled < most || w.repeats >= mostRepeats {
		b.position = b.position.advance(end)
	}
	return b, nil
}

// note sizes the next batch: by pages, and by rows where pages turn out fuller than the last ones.
func (w *worker) note(filled, most int64, took time.Duration) {
	target := w.Pace.BatchTime()
	w.rows.Record(int(filled), took, target)
	if filled < most {
		w.repeats = 0
		w.pages.Record(w.pages.Size(), took, target)
		return
	}
	w.repeats++
	w.pages.Halve()
}

// unmoved fails with errMoved when the table has other files than at the beginning.
func (w *worker) unmoved(ctx context.Context, tx pg.Tx) error {
	node, err := w.files(ctx, tx)
	if err == nil && node != w.filenode {
		err = errMoved
	}
	return err
}

func (w *worker) save(ctx context.Context, tx pg.Tx, p position) error {
	if w.Checkpoints == nil {
		return nil
	}
	return w.Checkpoints.Save(ctx, tx, Checkpoint{Filenode: w.filenode, Region: w.number, State: p.encode(), Rows: p.filled})
}
