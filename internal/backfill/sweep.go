package backfill

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	maxSweeps          = 10
	firstSweepPages    = 1000 // pages that a sweep reads at once
	maxSweepPages      = 50_000
	maxHeldRanges      = 1000 // ranges with held rows that are kept separately
	firstSweepRows     = 500  // of the first transaction of a sweep that fills
	sweepsWithoutPause = 3    // sweeps that usually find rows: skipped, moved, moved again
)

// swept is what a sweep found.
type swept struct {
	rows int64 // without a value
	held int64 // of these, held by other transactions
}

// sweepAll repeats sweeps until one finds no row without a value.
func (f *filler) sweepAll(ctx context.Context) error {
	pause := firstPause
	for {
		f.sweeps++
		total, err := f.sweep(ctx)
		if err != nil || total.rows == 0 {
			return err
		}
		if f.sweeps >= maxSweeps {
			return &NullsError{Table: f.Name().String(), Column: f.Column, Sweeps: f.sweeps, Rows: total.rows}
		}
		if f.sweeps >= sweepsWithoutPause {
			if err := f.Sleep(ctx, pause); err != nil {
				return err
			}
			pause *= 2
		}
	}
}

// sweep reads the table once, range by range, and then repeats the ranges in which rows were held.
func (f *filler) sweep(ctx context.Context) (swept, error) {
	var total swept
	var held []tableRange
	pages := pace.NewSizer(firstSweepPages, 1, maxSweepPages)
	remaining := tableRange{open: true}
	f.orphans = orphans{}
	for {
		if err := f.Wait(ctx, f.progress); err != nil {
			return total, err
		}
		start := time.Now()
		c, ok, err := f.countNext(ctx, remaining, int64(pages.Size()))
		if errors.Is(err, ErrTooSlow) && !pages.AtMinimum() {
			pages.Shrink()
			continue
		}
		if err != nil {
			return total, err
		}
		if !ok {
			break
		}
		pages.Record(pages.Size(), time.Since(start), f.Pace.BatchTime())
		f.orphans.add(c.orphans)
		if c.rows > 0 {
			in, err := f.sweepRange(ctx, f.sweepRanges, c.tableRange)
			if err != nil {
				return total, err
			}
			total.rows += c.rows
			f.recordHeld(in.held)
			if in.held > 0 {
				held = addHeld(held, c.tableRange)
			}
		}
		remaining = tableRange{from: c.to}
		if err := f.Sleep(ctx, f.Pace.Rest(time.Since(start))); err != nil {
			return total, err
		}
	}
	return total, f.fillHeld(ctx, held)
}

func (f *filler) recordHeld(rows int64) {
	if rows > 0 {
		f.held.Add(rows)
		f.progress.AddHeld(rows)
	}
}

// addHeld adds a range, or extends the last one if there are too many, which bounds the memory.
func addHeld(held []tableRange, r tableRange) []tableRange {
	if len(held) < maxHeldRanges {
		return append(held, r)
	}
	held[len(held)-1].to = r.to
	return held
}

// counted is what a sweep found in a range.
type counted struct {
	tableRange
	rows    int64 // still to do
	orphans orphans
}

// orphans are rows that cannot get a value.
type orphans struct {
	rows int64
	keys []string // some of what they refer to
}

// maxOrphanKeys is how many keys of orphans a filling returns.
const maxOrphanKeys = 10

func (o *orphans) add(more orphans) {
	o.rows += more.rows
	o.keys = append(o.keys, more.keys...)
	slices.Sort(o.keys)
	o.keys = slices.Compact(o.keys)
	o.keys = o.keys[:min(len(o.keys), maxOrphanKeys)]
}

// countNext counts the rows that are still to do in the next range of the table as it is now.
func (f *filler) countNext(ctx context.Context, remaining tableRange, pages int64) (c counted, ok bool, err error) {
	err = f.runBatch(ctx, func(tx pg.Tx) error {
		end, found, err := f.sweepRanges.end(ctx, tx)
		if err != nil || !found {
			ok = false
			return err
		}
		remaining.to = end
		if !remaining.open && remaining.from >= end {
			ok = false
			return nil
		}
		if end, ok, err = f.sweepRanges.split(ctx, tx, remaining, pages); err != nil || !ok {
			return err
		}
		c, err = f.count(ctx, tx, f.sweepRanges, remaining.upTo(end))
		return err
	})
	return c, ok, err
}

func (f *filler) count(ctx context.Context, tx pg.Tx, ranges partitioner, r tableRange) (c counted, err error) {
	c.tableRange = r
	where := ranges.condition(r)
	err = tx.QueryRow(ctx, f.sql.count(where)).Scan(&c.rows)
	if err == nil && f.Writer.orphans != "" {
		err = tx.QueryRow(ctx, f.sql.findOrphans(where), maxOrphanKeys).Scan(&c.orphans.rows, &c.orphans.keys)
	}
	return c, err
}

// sweepRange fills the rows of a range that others do not hold, a few pages at a time.
func (f *filler) sweepRange(ctx context.Context, ranges partitioner, r tableRange) (swept, error) {
	var total swept
	pages := pace.NewSizer(firstBatch, 1, maxSweepPages)
	rows := pace.NewSizer(firstSweepRows, minRows, maxRows)
	for remaining := r; remaining.open || remaining.from < remaining.to; {
		if err := f.Wait(ctx, f.progress); err != nil {
			return total, err
		}
		start := time.Now()
		g, err := f.fillBatch(ctx, ranges, remaining, int64(pages.Size()), rows.Size())
		if errors.Is(err, ErrTooSlow) && !(pages.AtMinimum() && rows.AtMinimum()) {
			pages.Shrink()
			rows.Shrink()
			continue
		}
		if err != nil || g.empty {
			return total, err
		}
		if g.refused > 0 {
			return total, f.NoProgress(g.refused)
		}
		f.record(g.filled)
		total.rows += g.filled
		took := time.Since(start)
		rows.Record(int(g.locked), took, f.Pace.BatchTime())
		if !g.full {
			pages.Record(pages.Size(), took, f.Pace.BatchTime())
			total.held += g.left
			remaining = remaining.after(g.end)
		}
		if err := f.Sleep(ctx, f.Pace.Rest(took)); err != nil {
			return total, err
		}
	}
	return total, nil
}

// sweepBatch is what one transaction of a sweep did.
type sweepBatch struct {
	end            int64 // of the pages it read
	empty          bool  // there was nothing to read
	full           bool  // it locked as many rows as it may, and there may be more
	locked, filled int64
	left           int64 // rows without a value afterwards
	refused        int64 // rows that were locked and updated and still have no value
}

// fillBatch locks rows, fills them by a second statement, which sees them as they are under the lock, and counts the rows
// that still have no value.
func (f *filler) fillBatch(ctx context.Context, ranges partitioner, r tableRange, pages int64, limit int) (g sweepBatch, err error) {
	err = f.runBatch(ctx, func(tx pg.Tx) error {
		g = sweepBatch{}
		end, ok, err := ranges.split(ctx, tx, r, pages)
		if err != nil || !ok {
			g.empty = !ok
			return err
		}
		g.end = end
		where := ranges.condition(r.upTo(end))
		var tids string
		if err := tx.QueryRow(ctx, f.sql.lockedRows(where, limit)).Scan(&tids, &g.locked); err != nil {
			return err
		}
		if g.locked > 0 {
			tag, err := tx.Exec(ctx, f.sql.fillLocked(), tids)
			if err != nil {
				return WrapBatchError(sqltext.Format("SELECT unnest({}::tid[])", sqltext.Value(tids)), err)
			}
			if g.filled = tag.RowsAffected(); g.filled < g.locked {
				if err := tx.QueryRow(ctx, f.sql.count(locked), tids).Scan(&g.refused); err != nil {
					return err
				}
			}
		}
		if g.full = g.locked == int64(limit); g.full {
			return nil
		}
		var emptied int64
		err = tx.QueryRow(ctx, f.sql.countWithOwn(where)).Scan(&g.left, &emptied)
		g.refused = max(g.refused, emptied)
		return err
	})
	return g, err
}

// heldRanges are ranges with held rows, which are tried again.
type heldRanges struct {
	ranges   []tableRange
	rows     int64     // held at the last attempt
	fewest   int64     // fewest held so far
	since    time.Time // when fewest was reached
	refilled int       // rounds since then that filled rows and left as many
}

// maxRefilled is how many rounds may fill rows and find as many without a value afterwards. Then another session writes NULL,
// and the whole table is swept again.
const maxRefilled = 10

// fillHeld repeats ranges with held rows until there are none, with growing pauses. It holds no lock during a pause.
func (f *filler) fillHeld(ctx context.Context, held []tableRange) error {
	w := heldRanges{ranges: held, fewest: math.MaxInt64, since: time.Now()}
	for pause := firstPause; len(w.ranges) > 0 && w.refilled < maxRefilled; pause = min(2*pause, longestPause) {
		if err := f.Sleep(ctx, pause); err != nil {
			return err
		}
		if err := f.fillHeldOnce(ctx, &w); err != nil {
			return err
		}
		if w.refilled == 0 {
			pause = firstPause
		}
		if len(w.ranges) > 0 && time.Since(w.since) > f.RetryTimeout {
			return &HeldError{Table: f.Name().String(), Rows: w.rows, Timeout: f.RetryTimeout}
		}
	}
	return nil
}

func (f *filler) fillHeldOnce(ctx context.Context, w *heldRanges) error {
	var remaining []tableRange
	filled := int64(0)
	w.rows = 0
	for _, r := range w.ranges {
		in, err := f.sweepRange(ctx, f.sweepRanges, r)
		if err != nil {
			return err
		}
		filled += in.rows
		if in.held > 0 {
			remaining, w.rows = append(remaining, r), w.rows+in.held
		}
	}
	w.ranges = remaining
	switch {
	case w.rows < w.fewest:
		w.fewest, w.since, w.refilled = w.rows, time.Now(), 0
	case filled > 0:
		w.refilled++
	}
	return nil
}
