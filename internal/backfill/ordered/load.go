package ordered

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// loadPlan loads the plan of an interrupted run. found reports that there is one with its regions. Of one without, it keeps
// the cutoff.
func (m *method) loadPlan(ctx context.Context, tx pg.Tx) (found bool, err error) {
	var exists bool
	err = tx.QueryRow(ctx, sqltext.Format("SELECT to_regclass({}) IS NOT NULL", sqltext.Value(sqltext.Qualified(m.planTable("").Schema, m.planTable("").Name)))).Scan(&exists)
	if m.unused = exists; err != nil || !exists {
		return false, err
	}
	var p plan
	var identity string
	var ready bool
	var cutoff, horizon int64
	err = tx.QueryRow(ctx, sqltext.Format("SELECT what, moment, round, complete, horizon, ready, early, late, lent, missing FROM {}", m.planTable(""))).
		Scan(&identity, &cutoff, &p.round, &p.complete, &horizon, &ready, &p.adjusted[order.Early], &p.adjusted[order.Late], &p.adjusted[order.Carried], &p.adjusted[order.Missing])
	if err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return false, nil
		}
		return false, err
	}
	if identity != m.identity() || !m.Cutoff.IsZero() && m.Cutoff.UnixMicro() != cutoff {
		return false, nil
	}
	if m.plan.cutoff = order.Instant(cutoff); !ready {
		return false, nil
	}
	p.cutoff, p.horizon, p.stored = order.Instant(cutoff), uint32(horizon), true
	p.regions, err = m.loadRegions(ctx, tx)
	m.plan = p
	return err == nil, err
}

func (m *method) loadRegions(ctx context.Context, tx pg.Tx) ([]region, error) {
	found, err := tx.Query(ctx, sqltext.Format("SELECT number, low, high, open, lent, cover, alone, late, done FROM {} ORDER BY number", m.planTable("_regions")))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(at pgx.CollectableRow) (r region, err error) {
		var intervals, exclusive []int64
		var carried int64
		err = at.Scan(&r.number, &r.low, &r.high, &r.open, &carried, &intervals, &exclusive, &r.postponed, &r.done)
		r.carried, r.intervals, r.exclusive = order.Instant(carried), decodeIntervals(intervals), decodeIntervals(exclusive)
		return r, err
	})
}

// encodeIntervals returns the ends of intervals as a list of numbers.
func encodeIntervals(intervals []interval) []int64 {
	all := make([]int64, 0, 2*len(intervals))
	for _, i := range intervals {
		all = append(all, int64(i.from), int64(i.to))
	}
	return all
}

func decodeIntervals(ends []int64) (intervals []interval) {
	for i := 0; i+1 < len(ends); i += 2 {
		intervals = append(intervals, interval{order.Instant(ends[i]), order.Instant(ends[i+1])})
	}
	return intervals
}

// loadShares loads the shares of a region.
func (m *method) loadShares(ctx context.Context, tx pg.Tx, r region) (all []instantShare, err error) {
	if !m.plan.stored {
		return nil, nil
	}
	sql := sqltext.Format("SELECT instant, low, high, edge FROM {} WHERE region = {} ORDER BY instant", m.planTable("_shares"), r.number)
	err = stream(ctx, tx, sql, func(fields [][]byte) error {
		number := func(i int) uint64 { return binary.BigEndian.Uint64(fields[i]) }
		all = append(all, instantShare{order.Instant(number(0)), order.Share{From: number(1), To: number(2), Edge: fields[3][0] != 0}})
		return nil
	})
	return all, err
}
