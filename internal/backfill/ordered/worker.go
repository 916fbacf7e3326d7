package ordered

import (
	"context"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

// worker fills one region after the other.
type worker struct {
	*filler
	assigner *assigner
	sizer    *pace.Sizer
	slow     backfill.SlowBatches
	buffer
	number       int64
	regionNumber int   // region
	filled       int64 // over all runs
	// careful is a worker that goes over a region once more.
	lockFirst bool
}

// work fills regions that are not done until none is left.
func (w *worker) work(ctx context.Context) error {
	for {
		i := int(w.next.Add(1) - 1)
		if i >= len(w.plan.regions) {
			return nil
		}
		r := &w.plan.regions[i]
		if r.done {
			continue
		}
		total, err := w.visit(ctx, r)
		if err != nil {
			return err
		}
		r.visited, r.done = true, total.offered == total.filled
		w.held.Add(total.offered - total.filled)
		if !r.done {
			continue
		}
		if err := w.finishRegion(ctx, *r); err != nil {
			return err
		}
	}
}

// visit fills a region. One in which rows could be locked and none was filled is looked at more carefully
// at once: there is no use in going on if rows cannot be filled.
func (w *worker) visit(ctx context.Context, r *region) (total written, err error) {
	for w.lockFirst = r.visited; ; w.lockFirst = true {
		total, err = w.region(ctx, *r)
		if err != nil || total.locked == 0 || total.filled > 0 {
			return total, err
		}
		if w.lockFirst {
			return total, w.NoProgress(total.locked)
		}
	}
}

// region fills a region, as far as its rows are free and the survey knows where they stand.
func (w *worker) region(ctx context.Context, r region) (total written, err error) {
	if err := w.Wait(ctx, w.progress); err != nil {
		return total, err
	}
	w.regionNumber = r.number
	known := knownInstants{exclusive: r.exclusive, complete: w.plan.complete}
	err = w.runTransaction(ctx, readSettings(), func(tx pg.Tx) (err error) {
		if err := w.load(ctx, tx, r, &w.buffer); err != nil {
			return err
		}
		known.shares, err = w.loadShares(ctx, tx, r)
		return err
	})
	if err != nil {
		return total, err
	}
	sortByTime(w.rows)
	w.assigner.assignRegion(w.rows, known)
	total, err = w.write(ctx, w.rows, w.waves())
	w.filler.filled.Add(total.filled)
	w.skipped.Add(total.offered - total.filled)
	w.progress.AddHeld(total.offered - total.filled)
	w.filled += total.filled
	return total, err
}

// waves are worth it where most of a region is to be filled.
func (w *worker) waves() int {
	chosen := 0
	for i := range w.rows {
		if w.rows[i].chosen {
			chosen++
		}
	}
	const worth = 4
	if chosen*worth < len(w.rows) {
		return 1
	}
	return w.choice.Waves
}

// over writes down that a region is done. One that is done and taken again costs a reading: where it is the only one,
// nothing is written.
func (w *worker) finishRegion(ctx context.Context, r region) error {
	if !w.plan.stored && (w.Checkpoints == nil || len(w.plan.regions) == 1) {
		return nil
	}
	w.recorded.Store(true)
	return w.runTransaction(ctx, w.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) error {
		if w.Checkpoints != nil {
			if err := w.Checkpoints.Save(ctx, tx, backfill.Checkpoint{Region: w.number, State: []byte("{}"), Rows: w.filled}); err != nil {
				return err
			}
		}
		if !w.plan.stored {
			return nil
		}
		_, err := tx.Exec(ctx, regionDoneSQL(w.planTable("_regions"), r.number))
		return err
	})
}
