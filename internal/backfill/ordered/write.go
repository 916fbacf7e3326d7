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
	firstRows    = 1000
	fewestRows   = 10
	mostRows     = 20_000
	mostTimeouts = 5    // of the smallest batch, one after the other
	steps        = 1024 // how fine a share of a page's rows can be told
	// golden times a row's line on its page, modulo steps, spreads neighbouring lines evenly: it is steps
	// times the golden section.
	golden = 633
)

func byKey(rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
}

// wrote is what became of rows that were to be written.
type wrote struct {
	offered int64
	picked  int64 // unchanged, and held by nobody
	filled  int64
}

// write writes the chosen rows in waves: each takes some rows of every page, so that the next finds room
// on it. What is held or was changed meanwhile is left out.
func (w *worker) write(ctx context.Context, rows []row, waves int) (all wrote, err error) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.at, b.at) })
	chosen := make([]row, 0, len(rows)/max(waves, 1)+1)
	from := 0
	for wave := range waves {
		to := int(math.Round(steps * float64(wave+1) / float64(waves)))
		chosen = chosen[:0]
		for i := range rows {
			if step := int(rows[i].at&0xffff) * golden % steps; rows[i].chosen && step >= from && step < to {
				chosen = append(chosen, rows[i])
			}
		}
		from = to
		some, err := w.wave(ctx, chosen)
		all.offered, all.picked, all.filled = all.offered+some.offered, all.picked+some.picked, all.filled+some.filled
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func (w *worker) wave(ctx context.Context, rows []row) (all wrote, err error) {
	for timeouts := 0; len(rows) > 0; {
		if err := w.Wait(ctx, w.progress); err != nil {
			return all, err
		}
		begun := time.Now()
		n := min(w.servo.Size(), len(rows))
		some, err := w.batch(ctx, rows[:n])
		if errors.Is(err, backfill.ErrTooSlow) {
			if timeouts++; timeouts > mostTimeouts && w.servo.AtMinimum() {
				return all, err
			}
			w.servo.Shrink()
			continue
		}
		if err != nil {
			return all, err
		}
		timeouts, rows = 0, rows[n:]
		w.servo.Record(n, time.Since(begun), w.Pace.BatchTime())
		all.offered, all.picked, all.filled = all.offered+int64(n), all.picked+some.picked, all.filled+some.filled
		w.did(some.filled)
		if w.doubt.Record(n, time.Since(begun), w.Pace.BatchTime()) {
			if err := w.Reinspect(ctx); err != nil {
				return all, err
			}
		}
		if err := w.Sleep(ctx, w.Pace.Rest(time.Since(begun))); err != nil {
			return all, err
		}
	}
	return all, nil
}

// batch is one transaction. A careful one locks its rows by a statement of its own: the next sees them as
// they are under the lock, so that only a trigger or a rule can keep it from filling them. Those alone count
// as picked: the next may pick others, let go since, at a version that is younger than what it sees.
func (w *worker) batch(ctx context.Context, rows []row) (some wrote, err error) {
	err = w.attempt(ctx, w.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) (err error) {
		if err := w.lock(ctx, tx, w.at); err != nil {
			return err
		}
		some, err = w.update(ctx, tx, rows, w.texts, w.careful)
		return err
	})
	return some, err
}

// update gives rows their values.
func (f *filler) update(ctx context.Context, tx pg.Tx, rows []row, keys texts, careful bool) (some wrote, err error) {
	parameters := append(timesAndValues(rows, kindOf(f.text.column)), f.text.key.arrays(rows, keys)...)
	run := func(sql string) *pgconn.Result {
		ctx, done := tx.StatementContext(ctx)
		defer done()
		return tx.Conn().PgConn().ExecParams(ctx, sql, parameters, nil, []int16{1}, []int16{1}).Read()
	}
	var locking *pgconn.Result
	if careful {
		if locking = run(f.text.lock()); locking.Err != nil {
			return some, locking.Err
		}
	}
	writing := run(f.text.write())
	if writing.Err != nil {
		return some, backfill.WrapBatchError(addresses(rows), writing.Err)
	}
	if locking == nil {
		locking = writing
	}
	return wrote{picked: count(locking, 0), filled: count(writing, 1)}, nil
}

// addresses is a query of the addresses of rows.
func addresses(rows []row) string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = fmt.Sprintf(`"(%d,%d)"`, r.at>>16, r.at&0xffff)
	}
	return sqltext.Format("SELECT unnest({}::tid[])", sqltext.Value("{"+strings.Join(list, ",")+"}"))
}

// count is a number in the one row of a result.
func count(result *pgconn.Result, column int) int64 {
	return int64(binary.BigEndian.Uint64(result.Rows[0][column]))
}
