package ordered

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Rows of a batch.
const firstRows, minRows, maxRows = 1000, 10, 20_000

// regionWriter is a worker, which fills one region after the other.
type regionWriter struct {
	*method
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
func (w *regionWriter) work(ctx context.Context) error {
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
func (w *regionWriter) visit(ctx context.Context, r *region) (total written, err error) {
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
func (w *regionWriter) region(ctx context.Context, r region) (total written, err error) {
	if err := w.Wait(ctx); err != nil {
		return total, err
	}
	w.regionNumber = r.number
	known := knownInstants{exclusive: r.exclusive, complete: w.plan.complete}
	err = w.read(ctx, func(tx pg.Tx) (err error) {
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
	w.method.filled.Add(total.filled)
	w.RecordHeld(total.offered - total.filled)
	w.Progress.Report(true)
	w.filled += total.filled
	return total, err
}

// waves returns the number of waves, which pay only if a good part of the region is to be filled.
func (w *regionWriter) waves() int {
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
func (w *regionWriter) finishRegion(ctx context.Context, r region) error {
	if !w.plan.stored && (w.Checkpoints == nil || len(w.plan.regions) == 1) {
		return nil
	}
	w.recorded.Store(true)
	return w.Transaction(ctx, w.Settings, func(tx pg.Tx) error {
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

func sortByKey(rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
}

// written counts the rows of a write.
type written struct {
	offered int64
	locked  int64 // not changed and not held by others
	filled  int64
	took    time.Duration // for the statements, without BEGIN, COMMIT and the network's round trip
}

// add adds the counts of another write.
func (t *written) add(more written) {
	t.offered, t.locked, t.filled = t.offered+more.offered, t.locked+more.locked, t.filled+more.filled
}

// write writes the chosen rows in waves. Each wave takes a few rows of every page, so that the next one finds space there. It
// leaves out rows that are held or were changed since they were read.
func (w *regionWriter) write(ctx context.Context, rows []row, waves int) (total written, err error) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.address, b.address) })
	chosen := make([]row, 0, len(rows)/max(waves, 1)+1)
	from := 0
	for _, to := range backfill.WaveBounds(waves) {
		chosen = chosen[:0]
		for i := range rows {
			if share := backfill.WaveOf(uint16(rows[i].address)); rows[i].chosen && share >= from && share < to {
				chosen = append(chosen, rows[i])
			}
		}
		from = to
		if err := w.wave(ctx, chosen, &total); err != nil {
			return total, err
		}
	}
	return total, nil
}

func (w *regionWriter) wave(ctx context.Context, rows []row, total *written) error {
	if len(rows) == 0 {
		return nil
	}
	return w.Batches(ctx, []*pace.Sizer{w.sizer}, func(ctx context.Context) (last bool, err error) {
		start := time.Now()
		n := min(w.sizer.Size(), len(rows))
		batch, err := w.batch(ctx, rows[:n])
		if err != nil {
			return true, err
		}
		rows = rows[n:]
		took := time.Since(start)
		w.sizer.Record(n, batch.took, w.Pace.BatchTime())
		batch.offered = int64(n)
		total.add(batch)
		w.Record(batch.filled)
		if w.slow.Record(n, took, w.Pace.BatchTime()) {
			err = w.Reinspect(ctx)
		}
		return len(rows) == 0, err
	})
}

// batch runs one transaction. With lockFirst, a separate statement locks the rows, so that the next one sees them as they are
// under the lock, and only a trigger or a rule can keep it from filling them. Only those rows count as locked: the second
// statement may lock further rows that were released since, at versions newer than its snapshot.
func (w *regionWriter) batch(ctx context.Context, rows []row) (batch written, err error) {
	err = w.BatchIf(ctx, w.batchLocks(w.regionNumber), func(tx pg.Tx) (err error) {
		start, trip := time.Now(), tx.Trip()
		batch = written{}
		for part := range slices.Chunk(rows, ceil(len(rows), w.Pace.Setting().Statements(trip))) {
			one, err := w.update(ctx, tx, part, w.texts, how{lockFirst: w.lockFirst, last: &part[len(part)-1] == &rows[len(rows)-1]})
			if err != nil {
				return err
			}
			batch.add(one)
		}
		took := time.Since(start)
		batch.took = max(took-trip, took/10) //nolint:mnd // as the waves do
		return nil
	})
	return batch, err
}

// ceil returns a quotient, rounded up.
func ceil(rows, parts int) int { return (rows + parts - 1) / parts }

// how says how rows are written.
type how struct {
	lockFirst bool // a separate statement locks the rows
	last      bool // the statement that writes is the last of its transaction
}

// update writes the rows' values.
func (m *method) update(ctx context.Context, tx pg.Tx, rows []row, keys keyTexts, how how) (batch written, err error) {
	parameters := append(timesAndValues(rows, kindOf(m.sql.column)), m.sql.key.arrays(rows, keys)...)
	var locking *pgconn.Result
	if how.lockFirst && !m.Sent {
		if locking = tx.ReadBinary(ctx, m.sql.countLocked(), parameters, false); locking.Err != nil {
			return batch, locking.Err
		}
	}
	writing := tx.ReadBinary(ctx, m.sql.write(), parameters, how.last)
	if writing.Err != nil {
		return batch, backfill.WrapBatchError(addresses(rows), writing.Err)
	}
	if m.Sent {
		rows := writing.CommandTag.RowsAffected()
		return written{locked: rows, filled: rows}, nil
	}
	if locking == nil {
		locking = writing
	}
	return written{locked: count(locking, 0), filled: count(writing, 1)}, nil
}

// addresses returns a query of the rows' ctids.
func addresses(rows []row) string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = fmt.Sprintf(`"(%d,%d)"`, r.address>>16, r.address&0xffff)
	}
	return sqltext.Format("SELECT unnest({}::tid[])", sqltext.Value("{"+strings.Join(list, ",")+"}"))
}

// count returns a number in the only row of a result.
func count(result *pgconn.Result, column int) int64 {
	return int64(binary.BigEndian.Uint64(result.Rows[0][column]))
}
