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
	placer *placer
	servo  *pace.Sizer
	doubt  backfill.SlowBatches
	stretch
	number int64
	at     int   // region
	filled int64 // over all runs
	// careful is a worker that goes over a region once more.
	careful bool
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
		all, err := w.visit(ctx, r)
		if err != nil {
			return err
		}
		r.met, r.done = true, all.offered == all.filled
		w.held.Add(all.offered - all.filled)
		if !r.done {
			continue
		}
		if err := w.over(ctx, *r); err != nil {
			return err
		}
	}
}

// visit fills a region. One in which rows could be locked and none was filled is looked at more carefully
// at once: there is no use in going on if rows cannot be filled.
func (w *worker) visit(ctx context.Context, r *region) (all wrote, err error) {
	for w.careful = r.met; ; w.careful = true {
		all, err = w.region(ctx, *r)
		if err != nil || all.picked == 0 || all.filled > 0 {
			return all, err
		}
		if w.careful {
			return all, w.NoProgress(all.picked)
		}
	}
}

// region fills a region, as far as its rows are free and the survey knows where they stand.
func (w *worker) region(ctx context.Context, r region) (all wrote, err error) {
	if err := w.Wait(ctx, w.progress); err != nil {
		return all, err
	}
	w.at = r.number
	in := part{alone: r.alone, full: w.plan.full}
	err = w.transaction(ctx, reading(), func(tx pg.Tx) (err error) {
		if err := w.load(ctx, tx, r, &w.stretch); err != nil {
			return err
		}
		in.shares, err = w.shares(ctx, tx, r)
		return err
	})
	if err != nil {
		return all, err
	}
	byTime(w.rows)
	w.placer.region(w.rows, in)
	all, err = w.write(ctx, w.rows, w.waves())
	w.filler.filled.Add(all.filled)
	w.skipped.Add(all.offered - all.filled)
	w.progress.AddHeld(all.offered - all.filled)
	w.filled += all.filled
	return all, err
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
func (w *worker) over(ctx context.Context, r region) error {
	if !w.plan.kept && (w.Checkpoints == nil || len(w.plan.regions) == 1) {
		return nil
	}
	w.writes.Store(true)
	return w.transaction(ctx, w.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) error {
		if w.Checkpoints != nil {
			if err := w.Checkpoints.Save(ctx, tx, backfill.Checkpoint{Region: w.number, State: []byte("{}"), Rows: w.filled}); err != nil {
				return err
			}
		}
		if !w.plan.kept {
			return nil
		}
		_, err := tx.Exec(ctx, regionDone(w.own("_regions"), r.number))
		return err
	})
}
