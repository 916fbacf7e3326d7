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

// find takes up the plan of a run that was cut, if there is one that is ready. Of one that is not the
// moment is kept.
func (f *filler) find(ctx context.Context, tx pg.Tx) (found bool, err error) {
	var there bool
	err = tx.QueryRow(ctx, sqltext.Format("SELECT to_regclass({}) IS NOT NULL", sqltext.Value(sqltext.Qualified(f.own("").Schema, f.own("").Name)))).Scan(&there)
	if f.stale = there; err != nil || !there {
		return false, err
	}
	var p plan
	var what string
	var ready bool
	var moment, horizon int64
	err = tx.QueryRow(ctx, sqltext.Format("SELECT what, moment, round, complete, horizon, ready, early, late, lent, missing FROM {}", f.own(""))).
		Scan(&what, &moment, &p.round, &p.full, &horizon, &ready, &p.bent[order.Early], &p.bent[order.Late], &p.bent[order.Carried], &p.bent[order.Missing])
	if err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return false, nil
		}
		return false, err
	}
	if what != f.what() || !f.Cutoff.IsZero() && f.Cutoff.UnixMicro() != moment {
		return false, nil
	}
	if f.plan.moment = order.Instant(moment); !ready {
		return false, nil
	}
	p.moment, p.horizon, p.kept = order.Instant(moment), uint32(horizon), true
	p.regions, err = f.findRegions(ctx, tx)
	f.plan = p
	return err == nil, err
}

func (f *filler) findRegions(ctx context.Context, tx pg.Tx) ([]region, error) {
	found, err := tx.Query(ctx, sqltext.Format("SELECT number, low, high, open, lent, cover, alone, late, done FROM {} ORDER BY number", f.own("_regions")))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(at pgx.CollectableRow) (r region, err error) {
		var cover, alone []int64
		var lent int64
		err = at.Scan(&r.number, &r.low, &r.high, &r.open, &lent, &cover, &alone, &r.late, &r.done)
		r.lent, r.cover, r.alone = order.Instant(lent), zonesOf(cover), zonesOf(alone)
		return r, err
	})
}

// ends writes zones as numbers.
func ends(zones []zone) []int64 {
	all := make([]int64, 0, 2*len(zones))
	for _, z := range zones {
		all = append(all, int64(z.from), int64(z.to))
	}
	return all
}

func zonesOf(ends []int64) (zones []zone) {
	for i := 0; i+1 < len(ends); i += 2 {
		zones = append(zones, zone{order.Instant(ends[i]), order.Instant(ends[i+1])})
	}
	return zones
}

// shares reads those of a region.
func (f *filler) shares(ctx context.Context, tx pg.Tx, r region) (all []shareAt, err error) {
	if !f.plan.kept {
		return nil, nil
	}
	sql := sqltext.Format("SELECT instant, low, high, edge FROM {} WHERE region = {} ORDER BY instant", f.own("_shares"), r.number)
	err = stream(ctx, tx, sql, func(fields [][]byte) error {
		number := func(i int) uint64 { return binary.BigEndian.Uint64(fields[i]) }
		all = append(all, shareAt{order.Instant(number(0)), order.Share{From: number(1), To: number(2), Edge: fields[3][0] != 0}})
		return nil
	})
	return all, err
}
