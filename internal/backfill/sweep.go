package backfill

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	firstSweepPages = 1000 // pages that a sweep reads at once
	maxSweepPages   = 50_000
	maxHeldRanges   = 1000 // ranges with held rows that are kept separately
	firstSweepRows  = 500  // of the first transaction of a sweep that fills
)

// swept is what a sweep found.
type swept struct {
	rows int64 // without a value
	held int64 // of these, held by other transactions
}

// sweep reads the table once, range by range, and then repeats the ranges in which rows were held.
func (m *statementMethod) sweep(ctx context.Context) (swept, error) {
	var total swept
	var held []tableRange
	pages := pace.NewSizer(firstSweepPages, 1, maxSweepPages)
	remaining := tableRange{open: true}
	m.orphans = orphans{}
	var failed error // not of the counting, which alone can be made smaller
	err := m.Batches(ctx, []*pace.Sizer{pages}, func(ctx context.Context) (last bool, err error) {
		start := time.Now()
		c, ok, err := m.countNext(ctx, remaining, int64(pages.Size()))
		if err != nil || !ok {
			return true, err
		}
		pages.Record(pages.Size(), time.Since(start), m.Pace.BatchTime())
		m.orphans.add(c.orphans)
		remaining = tableRange{from: c.to}
		if c.rows == 0 {
			return false, nil
		}
		var in swept
		in, failed = m.sweepRange(ctx, m.sweepRanges, c.tableRange)
		total.rows += c.rows
		total.held += in.held
		if m.RecordHeld(in.held); in.held > 0 {
			held = addHeld(held, c.tableRange)
		}
		return failed != nil, nil
	})
	if err = cmp.Or(failed, err); err != nil {
		return total, err
	}
	return total, m.RetryHeld(ctx, total.held, func(ctx context.Context) (int64, int64, error) {
		var again swept
		again, held, err = m.sweepHeld(ctx, held)
		return again.held, again.rows, err
	})
}

// sweepHeld fills ranges with held rows and returns those that still have some.
func (m *statementMethod) sweepHeld(ctx context.Context, ranges []tableRange) (total swept, held []tableRange, err error) {
	for _, r := range ranges {
		in, err := m.sweepRange(ctx, m.sweepRanges, r)
		if err != nil {
			return total, nil, err
		}
		total.rows, total.held = total.rows+in.rows, total.held+in.held
		if in.held > 0 {
			held = append(held, r)
		}
	}
	return total, held, nil
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
func (m *statementMethod) countNext(ctx context.Context, remaining tableRange, pages int64) (c counted, ok bool, err error) {
	err = m.Batch(ctx, func(tx pg.Tx) error {
		end, found, err := m.sweepRanges.end(ctx, tx)
		if err != nil || !found {
			ok = false
			return err
		}
		remaining.to = end
		if !remaining.open && remaining.from >= end {
			ok = false
			return nil
		}
		if end, ok, err = m.sweepRanges.split(ctx, tx, remaining, pages); err != nil || !ok {
			return err
		}
		c, err = m.count(ctx, tx, m.sweepRanges, remaining.upTo(end))
		return err
	})
	return c, ok, err
}

func (m *statementMethod) count(ctx context.Context, tx pg.Tx, ranges partitioner, r tableRange) (c counted, err error) {
	c.tableRange = r
	where := ranges.condition(r)
	err = tx.QueryRow(ctx, m.sql.count(where)).Scan(&c.rows)
	if err == nil && m.writer.orphans != "" {
		err = tx.QueryRow(ctx, m.sql.findOrphans(where), maxOrphanKeys).Scan(&c.orphans.rows, &c.orphans.keys)
	}
	return c, err
}

// sweepRange fills the rows of a range that others do not hold, a few pages at a time.
func (m *statementMethod) sweepRange(ctx context.Context, ranges partitioner, r tableRange) (total swept, err error) {
	pages := pace.NewSizer(firstBatch, 1, maxSweepPages)
	rows := pace.NewSizer(firstSweepRows, minRows, maxRows)
	err = m.Batches(ctx, []*pace.Sizer{pages, rows}, func(ctx context.Context) (last bool, err error) {
		start := time.Now()
		g, err := m.fillBatch(ctx, ranges, r, int64(pages.Size()), rows.Size())
		if err != nil || g.empty {
			return true, err
		}
		if g.refused > 0 {
			return true, m.NoProgress(g.refused)
		}
		m.Record(g.filled)
		total.rows += g.filled
		took := time.Since(start)
		rows.Record(int(g.locked), took, m.Pace.BatchTime())
		if g.full {
			return false, nil
		}
		pages.Record(pages.Size(), took, m.Pace.BatchTime())
		total.held += g.left
		r = r.after(g.end)
		return r.from >= r.to, nil
	})
	return total, err
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
func (m *statementMethod) fillBatch(ctx context.Context, ranges partitioner, r tableRange, pages int64, limit int) (g sweepBatch, err error) {
	err = m.Batch(ctx, func(tx pg.Tx) error {
		g = sweepBatch{}
		end, ok, err := ranges.split(ctx, tx, r, pages)
		if err != nil || !ok {
			g.empty = !ok
			return err
		}
		g.end = end
		where := ranges.condition(r.upTo(end))
		var tids string
		if err := tx.QueryRow(ctx, m.sql.lockedRows(where, limit)).Scan(&tids, &g.locked); err != nil {
			return err
		}
		if g.locked > 0 {
			tag, err := tx.Exec(ctx, m.sql.fillLocked(), tids)
			if err != nil {
				return WrapBatchError(sqltext.Format("SELECT unnest({}::tid[])", sqltext.Value(tids)), err)
			}
			if g.filled = tag.RowsAffected(); g.filled < g.locked {
				if err := tx.QueryRow(ctx, m.sql.count(locked), tids).Scan(&g.refused); err != nil {
					return err
				}
			}
		}
		if g.full = g.locked == int64(limit); g.full {
			return nil
		}
		var emptied int64
		err = tx.QueryRow(ctx, m.sql.countWithOwn(where)).Scan(&g.left, &emptied)
		g.refused = max(g.refused, emptied)
		return err
	})
	return g, err
}
