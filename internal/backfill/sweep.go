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
	mostSweeps = 10
	sweepFirst = 1000 // pages that are read at once
	sweepMost  = 50_000
	mostHeld   = 1000 // ranges with held rows that are remembered one by one
	sweepRows  = 500  // of the first transaction of a sweep that fills
	againNulls = 3    // sweeps that are expected to find something: rows skipped, moved, moved again
)

// found is what a part of a sweep came upon.
type found struct {
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
		if f.sweeps >= mostSweeps {
			return &NullsError{Table: f.Target.String(), Column: f.Target.Column, Sweeps: f.sweeps, Rows: all.rows}
		}
		if f.sweeps >= againNulls {
			if err := f.Sleep(ctx, pause); err != nil {
				return err
			}
			pause *= 2
		}
	}
}

// sweep goes over the table once, part by part, and then stays with the parts in which rows were held.
func (f *filler) sweep(ctx context.Context) (found, error) {
	var all found
	var held []span
	chunk := pace.NewSizer(sweepFirst, 1, sweepMost)
	left := span{open: true}
	for {
		if err := f.Wait(ctx, f.progress); err != nil {
			return all, err
		}
		begun := time.Now()
		part, n, ok, err := f.look(ctx, left, int64(chunk.Size()))
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
			in, err := f.sweepRange(ctx, f.whole, part)
			if err != nil {
				return all, err
			}
			all.rows += n
			f.skip(in.held)
			if in.held > 0 {
				held = remember(held, part)
			}
		}
		left = span{from: part.to}
		if err := f.Sleep(ctx, f.Pace.Rest(time.Since(begun))); err != nil {
			return all, err
		}
	}
	return all, f.waitFor(ctx, held)
}

func (f *filler) skip(rows int64) {
	if rows > 0 {
		f.skipped.Add(rows)
		f.progress.AddHeld(rows)
	}
}

// remember keeps a part, or makes the last one longer when there are too many: memory stays bounded.
func remember(held []span, part span) []span {
	if len(held) < mostHeld {
		return append(held, part)
	}
	held[len(held)-1].to = part.to
	return held
}

// look counts the rows without a value in the next part of the table as it is now.
func (f *filler) look(ctx context.Context, left span, pages int64) (part span, rows int64, ok bool, err error) {
	err = f.transaction(ctx, func(tx pg.Tx) error {
		end, some, err := f.whole.last(ctx, tx)
		if err != nil || !some {
			ok = false
			return err
		}
		left.to = end
		if !left.open && left.from >= end {
			ok = false
			return nil
		}
		if end, ok, err = f.whole.cut(ctx, tx, left, pages); err != nil || !ok {
			return err
		}
		part = left.until(end)
		return tx.QueryRow(ctx, f.text.count(f.whole.where(part))).Scan(&rows)
	})
	return part, rows, ok, err
}

// sweepRange fills a part as far as its rows are free, a few pages at a time.
func (f *filler) sweepRange(ctx context.Context, on ground, part span) (found, error) {
	var all found
	pages := pace.NewSizer(firstBatch, 1, sweepMost)
	rows := pace.NewSizer(sweepRows, fewestRows, mostRows)
	for left := part; left.open || left.from < left.to; {
		if err := f.Wait(ctx, f.progress); err != nil {
			return all, err
		}
		begun := time.Now()
		g, err := f.gather(ctx, on, left, int64(pages.Size()), rows.Size())
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
		f.did(g.filled)
		all.rows += g.filled
		took := time.Since(begun)
		rows.Record(int(g.locked), took, f.Pace.BatchTime())
		if !g.full {
			pages.Record(pages.Size(), took, f.Pace.BatchTime())
			all.held += g.left
			left = left.rest(g.end)
		}
		if err := f.Sleep(ctx, f.Pace.Rest(took)); err != nil {
			return all, err
		}
	}
	return all, nil
}

// gathered is what one transaction of a sweep did.
type gathered struct {
	end            int64 // of the pages it looked at
	empty          bool  // there was nothing to look at
	full           bool  // it locked as many rows as it may: there may be more
	locked, filled int64
	left           int64 // without a value, afterwards
	refused        int64 // locked by us and updated, and still without a value
}

// gather locks some free rows, fills them by a second statement, which sees them as they are under the
// lock, and counts what is left without a value.
func (f *filler) gather(ctx context.Context, on ground, part span, pages int64, most int) (g gathered, err error) {
	err = f.transaction(ctx, func(tx pg.Tx) error {
		g = gathered{}
		end, ok, err := on.cut(ctx, tx, part, pages)
		if err != nil || !ok {
			g.empty = !ok
			return err
		}
		g.end = end
		where := on.where(part.until(end))
		var tids string
		if err := tx.QueryRow(ctx, f.text.gather(where, most)).Scan(&tids, &g.locked); err != nil {
			return err
		}
		if g.locked > 0 {
			tag, err := tx.Exec(ctx, f.text.fillPicked(), tids)
			if err != nil {
				return WrapBatchError(sqltext.Format("SELECT unnest({}::tid[])", sqltext.Value(tids)), err)
			}
			g.filled = tag.RowsAffected()
			g.refused = g.locked - g.filled
		}
		if g.full = g.locked == int64(most); g.full {
			return nil
		}
		var emptied int64
		err = tx.QueryRow(ctx, f.text.countOwn(where)).Scan(&g.left, &emptied)
		g.refused = max(g.locked-g.filled, emptied)
		return err
	})
	return g, err
}

// waiting is the coming back to parts of the table in which rows were held.
type waiting struct {
	parts []span
	rows  int64     // held in them when they were last looked at
	least int64     // the fewest so far
	since time.Time // then
	vain  int       // rounds since then that filled some and left as many
}

// mostVain is how many rounds may fill rows and find as many without a value again: then somebody
// writes NULL, and the whole table is looked at.
const mostVain = 10

// waitFor comes back to parts with held rows until there is none, with growing pauses and no lock held
// in between.
func (f *filler) waitFor(ctx context.Context, parts []span) error {
	w := waiting{parts: parts, least: math.MaxInt64, since: time.Now()}
	for pause := firstPause; len(w.parts) > 0 && w.vain < mostVain; pause = min(2*pause, longestPause) {
		if err := f.Sleep(ctx, pause); err != nil {
			return err
		}
		if err := f.round(ctx, &w); err != nil {
			return err
		}
		if w.vain == 0 {
			pause = firstPause
		}
		if len(w.parts) > 0 && time.Since(w.since) > f.RetryTimeout {
			return &HeldError{Table: f.Target.String(), Rows: w.rows, Timeout: f.RetryTimeout}
		}
	}
	return nil
}

func (f *filler) round(ctx context.Context, w *waiting) error {
	var still []span
	filled := int64(0)
	w.rows = 0
	for _, part := range w.parts {
		in, err := f.sweepRange(ctx, f.whole, part)
		if err != nil {
			return err
		}
		filled += in.rows
		if in.held > 0 {
			still, w.rows = append(still, part), w.rows+in.held
		}
	}
	w.parts = still
	switch {
	case w.rows < w.least:
		w.least, w.since, w.vain = w.rows, time.Now(), 0
	case filled > 0:
		w.vain++
	}
	return nil
}
