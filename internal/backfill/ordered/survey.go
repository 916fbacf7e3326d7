package ordered

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// survey splits the table into regions and finds the instants at which several regions have rows. It reads in short
// transactions. Its horizon identifies rows that were changed since it began.
type survey struct {
	*method
	buffer
	duplicates *duplicateFilter
	carrier    order.Carrier
	leading    int // regions at the start without any time
}

func (m *method) newSurvey() *survey {
	return &survey{method: m, duplicates: newDuplicateFilter(m.Table.Rows), carrier: order.Carrier{Scale: m.scale}}
}

// survey makes a new plan. It stores the plan unless the table has only one region.
func (m *method) survey(ctx context.Context) error {
	m.plan = plan{cutoff: m.plan.cutoff, round: m.plan.round + 1, complete: true}
	s := m.newSurvey()
	if err := m.setHorizon(ctx); err != nil {
		return err
	}
	if err := s.split(ctx); err != nil {
		return err
	}
	if len(m.plan.regions) == 1 {
		m.plan.regions[0].exclusive = allTime()
		return m.dropPlan(ctx)
	}
	shared := overlaps(m.plan.regions)
	for i := range m.plan.regions {
		m.plan.regions[i].exclusive = subtract(m.plan.regions[i].intervals, shared)
	}
	m.plan.stored = true
	if err := m.Transaction(ctx, durableSettings, func(tx pg.Tx) error { return m.createPlan(ctx, tx) }); err != nil {
		return err
	}
	return m.divideShared(ctx, func(at order.Instant) bool { return s.duplicates.duplicate(at) && contains(shared, at) },
		func(r region) bool { return intersect(r.intervals, shared) })
}

// setHorizon sets the plan's horizon to the one read when the filling began, and for a later survey to the current one.
func (m *method) setHorizon(ctx context.Context) error {
	m.plan.horizon, m.horizon = m.horizon, 0
	if m.plan.horizon > 0 {
		return nil
	}
	return m.Transaction(ctx, readSettings, func(tx pg.Tx) (err error) {
		m.plan.horizon, err = horizon(ctx, tx)
		return err
	})
}

// horizon returns the oldest transaction that may be running.
func horizon(ctx context.Context, tx pg.Tx) (uint32, error) {
	var xmin int64
	err := tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8").Scan(&xmin)
	return uint32(xmin), err
}

// split reads the table once, region by region in the order of the keys.
func (s *survey) split(ctx context.Context) error {
	var after []string
	for last := false; !last; {
		if err := s.Wait(ctx); err != nil {
			return err
		}
		r := region{number: len(s.plan.regions), low: after}
		err := s.read(ctx, func(tx pg.Tx) (err error) {
			r.high, last, err = s.readNext(ctx, tx, after, s.choice.Region, &s.buffer)
			return err
		})
		if err != nil {
			return err
		}
		if len(s.rows) > 0 || after == nil {
			s.addRegion(r)
			after = r.high
		}
	}
	s.finish()
	return nil
}

// finish completes the survey after the last region.
func (s *survey) finish() {
	if !s.carrier.Known {
		s.carryBack(s.scale.Cutoff, len(s.plan.regions))
		s.plan.adjusted[order.Missing], s.plan.adjusted[order.Carried] = s.plan.adjusted[order.Carried], 0
	}
	s.plan.regions[len(s.plan.regions)-1].open = true
}

// addRegion adds a region with the rows in the buffer.
func (s *survey) addRegion(r region) {
	if !s.carrier.Known {
		if i := slices.IndexFunc(s.rows, func(r row) bool { return !r.null }); i >= 0 {
			first, _ := s.scale.Clamp(s.rows[i].instant)
			s.carryBack(first, s.leading)
			s.carrier.Last, s.carrier.Known = first, true
		}
	}
	r.carried = s.carrier.Last
	if !s.carrier.Known {
		s.leading++
	}
	assignInstants(s.rows, &s.carrier)
	instants := make([]order.Instant, 0, len(s.rows))
	for _, row := range s.rows {
		if !row.filled {
			s.plan.adjusted[row.adjustment]++
		}
		if s.carrier.Known {
			instants = append(instants, row.instant)
		}
	}
	slices.Sort(instants)
	instants = slices.Compact(instants)
	for _, at := range instants {
		s.duplicates.add(at)
	}
	r.intervals = cover(instants)
	s.plan.regions = append(s.plan.regions, r)
}

// carryBack gives the leading regions, whose rows have no time, the instant of the first row with a time.
func (s *survey) carryBack(at order.Instant, regions int) {
	for i := range regions {
		s.plan.regions[i].carried, s.plan.regions[i].intervals = at, []interval{{at, at}}
		s.duplicates.add(at)
	}
}

// divideShared counts the rows of the wanted instants in the affected regions, divides the instants' ranges among them, and
// makes the plan ready to use.
func (m *method) divideShared(ctx context.Context, wanted func(order.Instant) bool, affected func(region) bool) error {
	var in buffer
	for _, r := range m.plan.regions {
		if !affected(r) {
			continue
		}
		if err := m.Wait(ctx); err != nil {
			return err
		}
		err := m.read(ctx, func(tx pg.Tx) (err error) {
			if err := m.load(ctx, tx, r, &in); err != nil {
				return err
			}
			sortByTime(in.rows)
			return m.occupancies(in.rows, r, wanted).send(ctx, tx, m.planTable("_tallies"))
		})
		if err != nil {
			return err
		}
	}
	if err := m.divide(ctx); err != nil {
		return err
	}
	return m.Transaction(ctx, durableSettings, func(tx pg.Tx) error {
		if _, err := tx.Exec(ctx, sqltext.Format("CREATE INDEX ON {} (region)", m.planTable("_shares"))); err != nil {
			return err
		}
		if err := dropTables(ctx, tx, m.Table.OID, "_tallies"); err != nil {
			return err
		}
		return m.storeRegions(ctx, tx)
	})
}

func (m *method) occupancies(rows []row, r region, wanted func(order.Instant) bool) *copyBuffer {
	c := newCopyBuffer()
	eachInstant(rows, func(at order.Instant, rows []row) {
		if !wanted(at) {
			return
		}
		t := occupancyOf(m.scale.Range(at), rows)
		c.row(5).int8(int64(at)).int4(r.number).int8(int64(t.Unfilled))
		if t.Filled {
			c.int8(int64(t.First)).int8(int64(t.Last))
		} else {
			c.null().null()
		}
	})
	return c
}
