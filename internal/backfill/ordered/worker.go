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
	regionNumber int   // of the current region
	filled       int64 // rows, over all runs
	// lockFirst makes batches lock their rows by a separate statement, in the second attempt at a region.
	lockFirst bool
}

// work fills regions until all are done or assigned.
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

// visit fills a region. If rows were locked and none was filled, it repeats the region at once and locks rows first, to detect
// rows that cannot be filled.
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

// region fills the rows of a region that are not held and whose instants are known.
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
	w.totalHeld.Add(total.offered - total.filled)
	w.progress.AddHeld(total.offered - total.filled)
	w.filled += total.filled
	return total, err
}

// waves returns the number of waves, which pay only if a good part of the region is to be filled.
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

// finishRegion records that a region is done. Without a record, a later run reads the region again; a table with only one
// region needs none.
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
