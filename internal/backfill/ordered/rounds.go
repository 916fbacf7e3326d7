package ordered

import (
	"context"
	"maps"
	"slices"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// maxWanted is how many rows a pass can fill without a new survey.
const maxWanted = 100_000

func regionDoneSQL(table sqltext.Table, number int) string {
	return sqltext.Format("UPDATE {} SET done = true WHERE number = {}", table, number)
}

// Pass fills the regions and finds the rows that are left. The first pass fills nearly all rows. A later one fills rows that
// were added or moved in time since, and takes all rows of their instants into account.
func (m *method) Pass(ctx context.Context) (found int64, err error) {
	if m.left != nil {
		if err := m.planPass(ctx, *m.left); err != nil {
			return 0, err
		}
	}
	if err := m.regions(ctx); err != nil {
		return 0, err
	}
	if err := m.RetryHeld(ctx, m.held.Load(), m.retry); err != nil {
		return 0, err
	}
	left, err := m.findUnfilled(ctx)
	m.left = &left
	return left.rows, err
}

// retry fills the regions in which rows were held.
func (m *method) retry(ctx context.Context) (held, filled int64, err error) {
	if err := m.checkIdle(ctx); err != nil {
		return 0, 0, err
	}
	err = m.regions(ctx)
	return m.held.Load(), m.filled.Load(), err
}

// checkIdle inspects the table if several rounds leave rows without a value that are not locked: the rows that were read are
// not the ones in the table.
func (m *method) checkIdle(ctx context.Context) error {
	free := false
	if m.filled.Load() == 0 {
		err := m.Transaction(ctx, m.Settings, func(tx pg.Tx) error {
			return tx.QueryRow(ctx, m.sql.anyUnlocked()).Scan(&free)
		})
		if err != nil {
			return err
		}
	}
	if !m.idle.Record(m.filled.Load(), free) {
		return nil
	}
	return m.Reinspect(ctx)
}

// unfilled is what a pass left without a value.
type unfilled struct {
	rows    int64
	regions []bool // by number: has such rows
	wanted  map[order.Instant]struct{}
	tooMany bool // wanted is not complete
}

// findUnfilled finds the rows without a value and their instants.
func (m *method) findUnfilled(ctx context.Context) (left unfilled, err error) {
	left = unfilled{regions: make([]bool, len(m.plan.regions)), wanted: map[order.Instant]struct{}{}}
	var in buffer
	for i, r := range m.plan.regions {
		if err := m.Wait(ctx); err != nil {
			return left, err
		}
		var count int64
		err := m.read(ctx, func(tx pg.Tx) error {
			err := tx.QueryRow(ctx, m.sql.unfilled(r.keyRange())).Scan(&count)
			if err != nil || count == 0 || left.tooMany || len(m.plan.regions) == 1 {
				return err
			}
			return m.load(ctx, tx, r, &in)
		})
		if err != nil {
			return left, err
		}
		left.rows += count
		if left.regions[i] = count > 0; count == 0 || len(m.plan.regions) == 1 {
			continue
		}
		for _, row := range in.rows {
			if !row.filled {
				left.wanted[row.instant] = struct{}{}
			}
		}
		left.tooMany = left.rows > maxWanted
	}
	return left, nil
}

// planPass plans the next pass: by the present rows of their instants if few rows are left, otherwise by a new survey.
func (m *method) planPass(ctx context.Context, left unfilled) error {
	for i := range m.plan.regions {
		m.plan.regions[i].done, m.plan.regions[i].visited = !left.regions[i], false
		m.plan.regions[i].postponed = m.plan.regions[i].postponed || left.regions[i]
	}
	switch {
	case !m.plan.stored:
		return nil
	case left.tooMany:
		return m.survey(ctx)
	}
	m.plan.round, m.plan.complete = m.plan.round+1, false
	for i := range m.plan.regions {
		m.plan.regions[i].exclusive = nil
	}
	err := m.Transaction(ctx, durableSettings, func(tx pg.Tx) error {
		if _, err := tx.Exec(ctx, sqltext.Format("UPDATE {} SET ready = false", m.planTable(""))); err != nil {
			return err
		}
		return m.createSurveyTables(ctx, tx)
	})
	if err != nil {
		return err
	}
	// A region with filled rows of these instants had rows of them in the survey, or was filled in a later round.
	intervals := left.intervals()
	return m.divideShared(ctx, func(at order.Instant) bool { return contains(intervals, at) },
		func(r region) bool { return r.postponed || intersect(r.intervals, intervals) })
}

// intervals returns the instants of the rows without a value as intervals.
func (r unfilled) intervals() []interval {
	intervals := make([]interval, 0, len(r.wanted))
	for _, at := range slices.Sorted(maps.Keys(r.wanted)) {
		intervals = append(intervals, interval{at, at})
	}
	return intervals
}
