package ordered

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	// One transaction fills a table of at most so many rows and pages, within the usual target time of a batch.
	onceRows  = 2000
	oncePages = 16
)

// atOnce fills a small table in one transaction: it begins the filling, reads the table, fills its rows and counts the rows
// that are left. Done is false where the regions and rounds have to go on.
func (f *filler) atOnce(ctx context.Context) (done bool, err error) {
	if f.Table.Pages > oncePages || f.cut > 0 || f.choice.Waves > 1 {
		return false, nil
	}
	if err := f.Wait(ctx, f.progress); err != nil {
		return false, err
	}
	var filled int64
	err = f.attempt(ctx, f.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) (err error) {
		filled, done, err = f.once(ctx, tx)
		return err
	})
	if errors.Is(err, backfill.ErrTooSlow) {
		return false, nil
	}
	if err == nil {
		f.did(filled)
		f.rounds = 1
	}
	if filled > 0 && f.Cutoff.IsZero() {
		f.Cutoff = time.UnixMicro(int64(f.plan.moment)) // what is left goes by the same
	}
	return done && err == nil, err
}

// once is the transaction of atOnce.
func (f *filler) once(ctx context.Context, tx pg.Tx) (filled int64, done bool, err error) {
	if kept, err := f.opens(ctx, tx); err != nil || kept {
		return 0, false, err
	}
	f.scale = order.Scale{Unit: max(f.Column.Unit, 1), Cutoff: f.plan.moment}
	s := f.newSurvey()
	high, over, err := f.ahead(ctx, tx, nil, onceRows, &s.stretch)
	if err != nil || !over {
		return 0, false, err
	}
	s.note(region{high: high})
	if s.end(); !s.lender.Known {
		stand(s.rows, &order.Carrier{Scale: f.scale, Last: f.scale.Cutoff, Known: true})
	}
	byTime(s.rows)
	f.placer().region(s.rows, part{alone: everywhere(), full: true})
	chosen := slices.DeleteFunc(s.rows, func(r row) bool { return !r.chosen })
	if len(chosen) > 0 {
		some, err := f.update(ctx, tx, chosen, s.texts, false)
		if err != nil {
			return 0, false, err
		}
		filled = some.filled
	}
	var left int64
	err = tx.QueryRow(ctx, f.text.unfilled(span{})).Scan(&left)
	return filled, left == 0, err
}

// opens begins the filling. Kept says that an earlier run, which was cut, has left a plan or places.
func (f *filler) opens(ctx context.Context, tx pg.Tx) (kept bool, err error) {
	f.plan = plan{full: true}
	moment := f.Cutoff
	if f.OnStart != nil {
		begun, err := f.OnStart(ctx, tx)
		if err != nil || begun.Resumed {
			return true, err
		}
		moment = begun.Cutoff
	} else if f.Checkpoints != nil {
		places, err := f.Checkpoints.Load(ctx, tx)
		if err != nil || len(places) > 0 {
			return true, err
		}
	}
	var alone bool
	var now int64
	err = tx.QueryAll(ctx, pg.Query{
		SQL:  "SELECT pg_try_advisory_xact_lock($1, $2), to_regclass($3) IS NOT NULL, (extract(epoch FROM clock_timestamp()) * 1000000)::int8",
		Args: []any{int32(f.Table.OID), int32(wholeTable), sqltext.Qualified(f.own("").Schema, f.own("").Name)},
		Read: func(rows pgx.Rows) error {
			_, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, row.Scan(&alone, &kept, &now) })
			return err
		},
	})
	if err == nil && !alone {
		err = backfill.ErrBusy
	}
	if f.plan.moment = order.Instant(now); !moment.IsZero() {
		f.plan.moment = order.Instant(moment.UnixMicro())
	}
	return kept, err
}
