package backfill

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	maxSweeps          = 10
	firstSweepPages    = 1000 // pages that are read at once
	maxSweepPages      = 50_000
	maxHeldRanges      = 1000 // ranges with held rows that are remembered one by one
	firstSweepRows     = 500  // of the first transaction of a sweep that fills
	sweepsWithoutPause = 3    // sweeps that are expected to find something: rows skipped, moved, moved again
)

// found is what a part of a sweep came upon.
type swept struct {
	rows int64 // without a value
	held int64 // of them, by others
}

// sweepAll goes over the whole table until that finds no row without a value.
func (f *filler) sweepAll(ctx context.Context) error {
	pause := firstPause
	for {
		f.sweeps++
		all, err := f.sweep(ctx)
		if err != nil || all.rows == 0 {
			return err
		}
		if f.sweeps >= maxSweeps {
			return &NullsError{Table: f.Target.String(), Column: f.Target.Column, Sweeps: f.sweeps, Rows: all.rows}
		}
		if f.sweeps >= sweepsWithoutPause {
			if err := f.Sleep(ctx, pause); err != nil {
				return err
			}
			pause *= 2
		}
	}
}

// sweep goes over the table once, part by part, and then stays with the parts in which rows were held.
func (f *filler) sweep(ctx context.Context) (swept, error) {
	var all swept
	var held []tableRange
	chunk := pace.NewSizer(firstSweepPages, 1, maxSweepPages)
	remaining := tableRange{open: true}
	for {
		if err := f.Wait(ctx, f.progress); err != nil {
			return all, err
		}
		begun := time.Now()
		r, n, ok, err := f.countNext(ctx, remaining, int64(chunk.Size()))
		if errors.Is(err, ErrTooSlow) && !chunk.AtMinimum() {
			chunk.Shrink()
			continue
		}
		if err != nil {
			return all, err
		}
		if !ok {
			break
		}
		chunk.Record(chunk.Size(), time.Since(begun), f.Pace.BatchTime())
		if n > 0 {
			in, err := f.sweepRange(ctx, f.sweepRanges, r)
			if err != nil {
				return all, err
			}
			all.rows += n
			f.recordHeld(in.held)
			if in.held > 0 {
				held = addHeld(held, r)
			}
		}
		remaining = tableRange{from: r.to}
		if err := f.Sleep(ctx, f.Pace.Rest(time.Since(begun))); err != nil {
			return all, err
		}
	}
	return all, f.fillHeld(ctx, held)
}

func (f *filler) recordHeld(rows int64) {
	if rows > 0 {
		f.skipped.Add(rows)
		f.progress.AddHeld(rows)
	}
}

// remember keeps a part, or makes the last one longer when there are too many: memory stays bounded.
func addHeld(held []tableRange, r tableRange) []tableRange {
	if len(held) < maxHeldRanges {
		return append(held, r)
	}
	held[len(held)-1].to = r.to
	return held
}

// look counts the rows without a value in the next part of the table as it is now.
func (f *filler) countNext(ctx context.Context, remaining tableRange, pages int64) (r tableRange, rows int64, ok bool, err error) {
	err = f.runBatch(ctx, func(tx pg.Tx) error {
		end, some, err := f.sweepRanges.end(ctx, tx)
		if err != nil || !some {
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
		r = remaining.upTo(end)
		return tx.QueryRow(ctx, f.sql.count(f.sweepRanges.condition(r))).Scan(&rows)
	})
	return r, rows, ok, err
}

// sweepRange fills a part as far as its rows are free, a few pages at a time.
func (f *filler) sweepRange(ctx context.Context, ranges partitioner, r tableRange) (swept, error) {
	var all swept
	pages := pace.NewSizer(firstBatch, 1, maxSweepPages)
	rows := pace.NewSizer(firstSweepRows, minRows, maxRows)
	for remaining := r; remaining.open || remaining.from < remaining.to; {
		if err := f.Wait(ctx, f.progress); err != nil {
			return all, err
		}
		begun := time.Now()
		g, err := f.fillBatch(ctx, ranges, remaining, int64(pages.Size()), rows.Size())
		if errors.Is(err, ErrTooSlow) && !(pages.AtMinimum() && rows.AtMinimum()) {
			pages.Shrink()
			rows.Shrink()
			continue
		}
		if err != nil || g.empty {
			return all, err
		}
		if g.refused > 0 {
			return all, f.NoProgress(g.refused)
		}
		f.record(g.filled)
		all.rows += g.filled
		took := time.Since(begun)
		rows.Record(int(g.locked), took, f.Pace.BatchTime())
		if !g.full {
			pages.Record(pages.Size(), took, f.Pace.BatchTime())
			all.held += g.left
			remaining = remaining.after(g.end)
		}
		if err := f.Sleep(ctx, f.Pace.Rest(took)); err != nil {
			return all, err
		}
	}
	return all, nil
}

// gathered is what one transaction of a sweep did.
type sweepBatch struct {
	end            int64 // of the pages it looked at
	empty          bool  // there was nothing to look at
	full           bool  // it locked as many rows as it may: there may be more
	locked, filled int64
	left           int64 // without a value, afterwards
	refused        int64 // locked by us and updated, and still without a value
}

// gather locks some free rows, fills them by a second statement, which sees them as they are under the
// lock, and counts what is left without a value.
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
			g.filled = tag.RowsAffected()
			g.refused = g.locked - g.filled
		}
		if g.full = g.locked == int64(limit); g.full {
			return nil
		}
		var emptied int64
		err = tx.QueryRow(ctx, f.sql.countWithOwn(where)).Scan(&g.left, &emptied)
		g.refused = max(g.locked-g.filled, emptied)
		return err
	})
	return g, err
}

// waiting is the coming back to parts of the table in which rows were held.
type heldRanges struct {
	ranges   []tableRange
	rows     int64     // held in them when they were last looked at
	least    int64     // the fewest so far
	since    time.Time // then
	refilled int       // rounds since then that filled some and left as many
}

// mostVain is how many rounds may fill rows and find as many without a value again: then somebody
// writes NULL, and the whole table is looked at.
const maxRefilled = 10

// waitFor comes back to parts with held rows until there is none, with growing pauses and no lock held
// in between.
func (f *filler) fillHeld(ctx context.Context, held []tableRange) error {
	w := heldRanges{ranges: held, least: math.MaxInt64, since: time.Now()}
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
			return &HeldError{Table: f.Target.String(), Rows: w.rows, Timeout: f.RetryTimeout}
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
	case w.rows < w.least:
		w.least, w.since, w.refilled = w.rows, time.Now(), 0
	case filled > 0:
		w.refilled++
	}
	return nil
}
