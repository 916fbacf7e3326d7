package ordered

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	firstRows   = 1000
	minRows     = 10
	maxRows     = 20_000
	maxTimeouts = 5    // of the smallest batch, in a row
	granularity = 1024 // of a page's rows, in which waves are divided
	// goldenStride is the golden section of granularity. Multiplied by a row's line, modulo granularity, it spreads
	// neighbouring lines evenly.
	goldenStride = 633
)

func sortByKey(rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
}

// written counts the rows of a write.
type written struct {
	offered int64
	locked  int64 // not changed and not held by others
	filled  int64
}

// write writes the chosen rows in waves. Each wave takes a few rows of every page, so that the next one finds space there. It
// leaves out rows that are held or were changed since they were read.
func (w *worker) write(ctx context.Context, rows []row, waves int) (total written, err error) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.address, b.address) })
	chosen := make([]row, 0, len(rows)/max(waves, 1)+1)
	from := 0
	for wave := range waves {
		to := int(math.Round(granularity * float64(wave+1) / float64(waves)))
		chosen = chosen[:0]
		for i := range rows {
			if share := int(rows[i].address&0xffff) * goldenStride % granularity; rows[i].chosen && share >= from && share < to {
				chosen = append(chosen, rows[i])
			}
		}
		from = to
		batch, err := w.wave(ctx, chosen)
		total.offered, total.locked, total.filled = total.offered+batch.offered, total.locked+batch.locked, total.filled+batch.filled
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (w *worker) wave(ctx context.Context, rows []row) (total written, err error) {
	for timeouts := 0; len(rows) > 0; {
		if err := w.Wait(ctx, w.progress); err != nil {
			return total, err
		}
		start := time.Now()
		n := min(w.sizer.Size(), len(rows))
		batch, err := w.batch(ctx, rows[:n])
		if errors.Is(err, backfill.ErrTooSlow) {
			if timeouts++; timeouts > maxTimeouts && w.sizer.AtMinimum() {
				return total, err
			}
			w.sizer.Shrink()
			continue
		}
		if err != nil {
			return total, err
		}
		timeouts, rows = 0, rows[n:]
		w.sizer.Record(n, time.Since(start), w.Pace.BatchTime())
		total.offered, total.locked, total.filled = total.offered+int64(n), total.locked+batch.locked, total.filled+batch.filled
		w.record(batch.filled)
		if w.slow.Record(n, time.Since(start), w.Pace.BatchTime()) {
			if err := w.Reinspect(ctx); err != nil {
				return total, err
			}
		}
		if err := w.Sleep(ctx, w.Pace.Rest(time.Since(start))); err != nil {
			return total, err
		}
	}
	return total, nil
}

// batch runs one transaction. With lockFirst, a separate statement locks the rows, so that the next one sees them as they are
// under the lock, and only a trigger or a rule can keep it from filling them. Only those rows count as locked: the second
// statement may lock further rows that were released since, at versions newer than its snapshot.
func (w *worker) batch(ctx context.Context, rows []row) (batch written, err error) {
	err = w.runBatch(ctx, w.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) (err error) {
		if err := w.lockBatch(ctx, tx, w.regionNumber); err != nil {
			return err
		}
		batch, err = w.update(ctx, tx, rows, w.texts, w.lockFirst)
		return err
	})
	return batch, err
}

// update writes the rows' values.
func (f *filler) update(ctx context.Context, tx pg.Tx, rows []row, keys keyTexts, lockFirst bool) (batch written, err error) {
	parameters := append(timesAndValues(rows, kindOf(f.sql.column)), f.sql.key.arrays(rows, keys)...)
	run := func(sql string) *pgconn.Result {
		ctx, done := tx.StatementContext(ctx)
		defer done()
		return tx.Conn().PgConn().ExecParams(ctx, sql, parameters, nil, []int16{1}, []int16{1}).Read()
	}
	var locking *pgconn.Result
	if lockFirst {
		if locking = run(f.sql.countLocked()); locking.Err != nil {
			return batch, locking.Err
		}
	}
	writing := run(f.sql.write())
	if writing.Err != nil {
		return batch, backfill.WrapBatchError(addresses(rows), writing.Err)
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
