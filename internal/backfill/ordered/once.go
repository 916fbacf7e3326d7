package ordered

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// onceRows is the largest table that one transaction fills, about as fast as a batch.
const onceRows = 2000

// Once fills a small table: it begins the filling, reads the table, fills its rows, and counts the rows that are left. done is
// false if the table has to be filled by regions and passes.
func (m *method) Once(ctx context.Context, tx pg.Tx) (filled int64, done bool, err error) {
	m.filledOnce = false
	if m.regionRows > 0 {
		return 0, false, nil
	}
	if resumable, err := m.beginOnce(ctx, tx); err != nil || resumable {
		return 0, false, err
	}
	m.scale = order.Scale{Unit: max(m.Time.Unit, 1), Cutoff: m.plan.cutoff}
	s := m.newSurvey()
	high, last, err := m.readNext(ctx, tx, nil, onceRows, &s.buffer)
	if err != nil || !last {
		return 0, false, err
	}
	s.addRegion(region{high: high})
	if s.finish(); !s.carrier.Known {
		assignInstants(s.rows, &order.Carrier{Scale: m.scale, Last: m.scale.Cutoff, Known: true})
	}
	sortByTime(s.rows)
	m.newAssigner().assignRegion(s.rows, knownInstants{exclusive: allTime(), complete: true})
	chosen := slices.DeleteFunc(s.rows, func(r row) bool { return !r.chosen })
	if len(chosen) > 0 {
		result, err := m.update(ctx, tx, chosen, s.texts, how{})
		if err != nil {
			return 0, false, err
		}
		filled, m.filledOnce = result.filled, result.filled > 0
	}
	var left int64
	err = tx.QueryRow(ctx, m.sql.unfilled(keyRange{})).Scan(&left)
	return filled, left == 0, err
}

// beginOnce begins the filling. resumable reports that an interrupted run left a plan or checkpoints.
func (m *method) beginOnce(ctx context.Context, tx pg.Tx) (resumable bool, err error) {
	m.plan = plan{complete: true}
	cutoff := m.Cutoff
	if m.OnStart != nil {
		start, err := m.OnStart(ctx, tx)
		if err != nil || start.Resumed {
			return true, err
		}
		cutoff = start.Cutoff
	} else if m.Checkpoints != nil {
		checkpoints, err := m.Checkpoints.Load(ctx, tx)
		if err != nil || len(checkpoints) > 0 {
			return true, err
		}
	}
	var locked bool
	var now int64
	err = tx.QueryAll(ctx, pg.Query{
		SQL:  "SELECT pg_try_advisory_xact_lock($1, $2), to_regclass($3) IS NOT NULL, (extract(epoch FROM clock_timestamp()) * 1000000)::int8",
		Args: []any{int32(m.Table.OID), int32(tableKey), sqltext.Qualified(m.planTable("").Schema, m.planTable("").Name)},
		Read: func(rows pgx.Rows) error {
			_, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, row.Scan(&locked, &resumable, &now) })
			return err
		},
	})
	if err == nil && !locked {
		err = backfill.ErrBusy
	}
	if m.plan.cutoff = order.Instant(now); !cutoff.IsZero() {
		m.plan.cutoff = order.Instant(cutoff.UnixMicro())
	}
	return resumable, err
}
