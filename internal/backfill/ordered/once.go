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
	// The largest table that one transaction fills, about as fast as a batch.
	onceRows  = 2000
	oncePages = 16
)

// fillOnce fills a small table in one transaction: it begins the filling, reads the table, fills its rows, and counts the rows
// that are left. done is false if the table has to be filled by regions and rounds.
func (f *filler) fillOnce(ctx context.Context) (done bool, err error) {
	if f.Table.Pages > oncePages || f.regionRows > 0 || f.choice.Waves > 1 {
		return false, nil
	}
	if err := f.Wait(ctx, f.progress); err != nil {
		return false, err
	}
	var filled int64
	err = f.runBatch(ctx, f.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) (err error) {
		filled, done, err = f.fillOnceIn(ctx, tx)
		return err
	})
	if errors.Is(err, backfill.ErrTooSlow) {
		return false, nil
	}
	if err == nil {
		f.record(filled)
		f.rounds = 1
	}
	if filled > 0 && f.Cutoff.IsZero() {
		f.Cutoff = time.UnixMicro(int64(f.plan.cutoff)) // also for the rows that are left
	}
	return done && err == nil, err
}

// fillOnceIn is the transaction of fillOnce.
func (f *filler) fillOnceIn(ctx context.Context, tx pg.Tx) (filled int64, done bool, err error) {
	if resumable, err := f.beginOnce(ctx, tx); err != nil || resumable {
		return 0, false, err
	}
	f.scale = order.Scale{Unit: max(f.Time.Unit, 1), Cutoff: f.plan.cutoff}
	s := f.newSurvey()
	high, last, err := f.readNext(ctx, tx, nil, onceRows, &s.buffer)
	if err != nil || !last {
		return 0, false, err
	}
	s.addRegion(region{high: high})
	if s.finish(); !s.carrier.Known {
		assignInstants(s.rows, &order.Carrier{Scale: f.scale, Last: f.scale.Cutoff, Known: true})
	}
	sortByTime(s.rows)
	f.newAssigner().assignRegion(s.rows, knownInstants{exclusive: allTime(), complete: true})
	chosen := slices.DeleteFunc(s.rows, func(r row) bool { return !r.chosen })
	if len(chosen) > 0 {
		result, err := f.update(ctx, tx, chosen, s.texts, false)
		if err != nil {
			return 0, false, err
		}
		filled = result.filled
	}
	var left int64
	err = tx.QueryRow(ctx, f.sql.unfilled(keyRange{})).Scan(&left)
	return filled, left == 0, err
}

// beginOnce begins the filling. resumable reports that an interrupted run left a plan or checkpoints.
func (f *filler) beginOnce(ctx context.Context, tx pg.Tx) (resumable bool, err error) {
	f.plan = plan{complete: true}
	cutoff := f.Cutoff
	if f.OnStart != nil {
		start, err := f.OnStart(ctx, tx)
		if err != nil || start.Resumed {
			return true, err
		}
		cutoff = start.Cutoff
	} else if f.Checkpoints != nil {
		checkpoints, err := f.Checkpoints.Load(ctx, tx)
		if err != nil || len(checkpoints) > 0 {
			return true, err
		}
	}
	var locked bool
	var now int64
	err = tx.QueryAll(ctx, pg.Query{
		SQL:  "SELECT pg_try_advisory_xact_lock($1, $2), to_regclass($3) IS NOT NULL, (extract(epoch FROM clock_timestamp()) * 1000000)::int8",
		Args: []any{int32(f.Table.OID), int32(tableKey), sqltext.Qualified(f.planTable("").Schema, f.planTable("").Name)},
		Read: func(rows pgx.Rows) error {
			_, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, row.Scan(&locked, &resumable, &now) })
			return err
		},
	})
	if err == nil && !locked {
		err = backfill.ErrBusy
	}
	if f.plan.cutoff = order.Instant(now); !cutoff.IsZero() {
		f.plan.cutoff = order.Instant(cutoff.UnixMicro())
	}
	return resumable, err
}
