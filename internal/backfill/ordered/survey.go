package ordered

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// survey cuts the table into regions and finds the instants that more than one of them has rows of. It
// reads the table in short transactions: what is changed meanwhile is younger than its horizon.
type survey struct {
	*filler
	stretch
	twice   *twice
	lender  order.Carrier
	waiting int // regions at the beginning that have no row with a time
}

func (f *filler) newSurvey() *survey {
	return &survey{filler: f, twice: newTwice(f.Table.Rows), lender: order.Carrier{Scale: f.scale}}
}

// survey makes a new plan. A table of one region needs none in the database.
func (f *filler) survey(ctx context.Context) error {
	f.plan = plan{moment: f.plan.moment, round: f.plan.round + 1, full: true}
	s := f.newSurvey()
	if err := f.seeHorizon(ctx); err != nil {
		return err
	}
	if err := s.cut(ctx); err != nil {
		return err
	}
	if len(f.plan.regions) == 1 {
		f.plan.regions[0].alone = everywhere()
		return f.forget(ctx)
	}
	shared := crossing(f.plan.regions)
	for i := range f.plan.regions {
		f.plan.regions[i].alone = without(f.plan.regions[i].cover, shared)
	}
	f.plan.kept = true
	if err := f.transaction(ctx, lasting(), func(tx pg.Tx) error { return f.create(ctx, tx) }); err != nil {
		return err
	}
	return f.share(ctx, func(at order.Instant) bool { return s.twice.seen(at) && holds(shared, at) },
		func(r region) bool { return meet(r.cover, shared) })
}

// seeHorizon puts into the plan the horizon that was read when the filling began, or of a later survey one of now.
func (f *filler) seeHorizon(ctx context.Context) error {
	f.plan.horizon, f.horizon = f.horizon, 0
	if f.plan.horizon > 0 {
		return nil
	}
	return f.transaction(ctx, reading(), func(tx pg.Tx) (err error) {
		f.plan.horizon, err = horizon(ctx, tx)
		return err
	})
}

// horizon is the oldest transaction that may be running.
func horizon(ctx context.Context, tx pg.Tx) (uint32, error) {
	var xmin int64
	err := tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8").Scan(&xmin)
	return uint32(xmin), err
}

// cut reads the table once, region by region in the order of the keys.
func (s *survey) cut(ctx context.Context) error {
	var low []string
	for over := false; !over; {
		if err := s.Wait(ctx, s.progress); err != nil {
			return err
		}
		r := region{number: len(s.plan.regions), low: low}
		err := s.transaction(ctx, reading(), func(tx pg.Tx) (err error) {
			r.high, over, err = s.ahead(ctx, tx, low, s.choice.Region, &s.stretch)
			return err
		})
		if err != nil {
			return err
		}
		if len(s.rows) > 0 || low == nil {
			s.note(r)
			low = r.high
		}
	}
	s.end()
	return nil
}

// end is behind the last region.
func (s *survey) end() {
	if !s.lender.Known {
		s.lend(s.scale.Cutoff, len(s.plan.regions))
		s.plan.bent[order.Missing], s.plan.bent[order.Carried] = s.plan.bent[order.Carried], 0
	}
	s.plan.regions[len(s.plan.regions)-1].open = true
}

// note takes up a region.
func (s *survey) note(r region) {
	if !s.lender.Known {
		if i := slices.IndexFunc(s.rows, func(r row) bool { return !r.null }); i >= 0 {
			first, _ := s.scale.Clamp(s.rows[i].stands)
			s.lend(first, s.waiting)
			s.lender.Last, s.lender.Known = first, true
		}
	}
	r.lent = s.lender.Last
	if !s.lender.Known {
		s.waiting++
	}
	stand(s.rows, &s.lender)
	instants := make([]order.Instant, 0, len(s.rows))
	for _, row := range s.rows {
		if !row.filled {
			s.plan.bent[row.bent]++
		}
		if s.lender.Known {
			instants = append(instants, row.stands)
		}
	}
	slices.Sort(instants)
	instants = slices.Compact(instants)
	for _, at := range instants {
		s.twice.note(at)
	}
	r.cover = cover(instants)
	s.plan.regions = append(s.plan.regions, r)
}

// lend gives the first regions, whose rows have no time, the instant of the first row that has.
func (s *survey) lend(at order.Instant, regions int) {
	for i := range regions {
		s.plan.regions[i].lent, s.plan.regions[i].cover = at, []zone{{at, at}}
		s.twice.note(at)
	}
}

// share counts the rows of the wanted instants in the regions that may hold some, divides their rooms,
// and makes the plan ready.
func (f *filler) share(ctx context.Context, wanted func(order.Instant) bool, some func(region) bool) error {
	var in stretch
	for _, r := range f.plan.regions {
		if !some(r) {
			continue
		}
		if err := f.Wait(ctx, f.progress); err != nil {
			return err
		}
		err := f.transaction(ctx, reading(), func(tx pg.Tx) (err error) {
			if err := f.load(ctx, tx, r, &in); err != nil {
				return err
			}
			byTime(in.rows)
			return f.tallies(in.rows, r, wanted).into(ctx, tx, f.own("_tallies"))
		})
		if err != nil {
			return err
		}
	}
	if err := f.divide(ctx); err != nil {
		return err
	}
	return f.transaction(ctx, lasting(), func(tx pg.Tx) error {
		if _, err := tx.Exec(ctx, sqltext.Format("CREATE INDEX ON {} (region)", f.own("_shares"))); err != nil {
			return err
		}
		if err := drop(ctx, tx, f.Table.OID, "_tallies"); err != nil {
			return err
		}
		return f.ready(ctx, tx)
	})
}

func (f *filler) tallies(rows []row, r region, wanted func(order.Instant) bool) *copied {
	c := newCopy()
	groups(rows, func(at order.Instant, rows []row) {
		if !wanted(at) {
			return
		}
		t := tallyOf(f.scale.Range(at), rows)
		c.row(5).int8(int64(at)).int4(r.number).int8(int64(t.Unfilled))
		if t.Filled {
			c.int8(int64(t.First)).int8(int64(t.Last))
		} else {
			c.null().null()
		}
	})
	return c
}
