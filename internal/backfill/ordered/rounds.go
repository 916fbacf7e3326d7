package ordered

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	maxRounds = 12
	// maxWanted is how many rows a round can fill without a new survey.
	maxWanted = 100_000
)

func regionDoneSQL(table sqltext.Table, number int) string {
	return sqltext.Format("UPDATE {} SET done = true WHERE number = {}", table, number)
}

// runRounds fills the regions until no row is without a value. The first round fills nearly all rows. A later round fills rows
// that were added or moved in time since, and takes all rows of their instants into account.
func (f *filler) runRounds(ctx context.Context) error {
	for f.rounds = 1; ; f.rounds++ {
		if err := f.round(ctx); err != nil {
			return err
		}
		left, err := f.findUnfilled(ctx)
		if err != nil || left.rows == 0 {
			return err
		}
		if f.rounds >= maxRounds {
			return &backfill.NullsError{Table: f.Name().String(), Column: f.Column, Sweeps: f.rounds, Rows: left.rows}
		}
		if err := f.Sleep(ctx, firstPause*time.Duration(f.rounds)); err != nil {
			return err
		}
		if err := f.planRound(ctx, left); err != nil {
			return err
		}
	}
}

// round fills the regions, and repeats those in which rows were held, with growing pauses. It holds no lock during a pause.
func (f *filler) round(ctx context.Context) error {
	since, pause := time.Now(), firstPause
	for {
		if err := f.regions(ctx); err != nil || f.held.Load() == 0 {
			return err
		}
		if f.filled.Load() > 0 { // held rows were released
			since, pause = time.Now(), firstPause
		}
		if err := f.checkIdle(ctx); err != nil {
			return err
		}
		if time.Since(since) > f.RetryTimeout {
			return &backfill.HeldError{Table: f.Name().String(), Rows: f.held.Load(), Timeout: f.RetryTimeout}
		}
		if err := f.Sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// checkIdle inspects the table if several rounds leave rows without a value that are not locked: the rows that were read are
// not the ones in the table.
func (f *filler) checkIdle(ctx context.Context) error {
	free := false
	if f.filled.Load() == 0 {
		err := f.runTransaction(ctx, f.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) error {
			return tx.QueryRow(ctx, f.sql.anyUnlocked()).Scan(&free)
		})
		if err != nil {
			return err
		}
	}
	if !f.idle.Record(f.filled.Load(), free) {
		return nil
	}
	return f.Reinspect(ctx)
}

// unfilled is what a round left without a value.
type unfilled struct {
	rows    int64
	regions []bool // by number: has such rows
	wanted  map[order.Instant]struct{}
	tooMany bool // wanted is not complete
}

// findUnfilled finds the rows without a value and their instants.
func (f *filler) findUnfilled(ctx context.Context) (left unfilled, err error) {
	left = unfilled{regions: make([]bool, len(f.plan.regions)), wanted: map[order.Instant]struct{}{}}
	var in buffer
	for i, r := range f.plan.regions {
		if err := f.Wait(ctx, f.progress); err != nil {
			return left, err
		}
		var count int64
		err := f.runTransaction(ctx, readSettings(), func(tx pg.Tx) error {
			err := tx.QueryRow(ctx, f.sql.unfilled(r.keyRange())).Scan(&count)
			if err != nil || count == 0 || left.tooMany || len(f.plan.regions) == 1 {
				return err
			}
			return f.load(ctx, tx, r, &in)
		})
		if err != nil {
			return left, err
		}
		left.rows += count
		if left.regions[i] = count > 0; count == 0 || len(f.plan.regions) == 1 {
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

// planRound plans the next round: by the present rows of their instants if few rows are left, otherwise by a new survey.
func (f *filler) planRound(ctx context.Context, left unfilled) error {
	for i := range f.plan.regions {
		f.plan.regions[i].done, f.plan.regions[i].visited = !left.regions[i], false
		f.plan.regions[i].postponed = f.plan.regions[i].postponed || left.regions[i]
	}
	switch {
	case !f.plan.stored:
		return nil
	case left.tooMany:
		return f.survey(ctx)
	}
	f.plan.round, f.plan.complete = f.plan.round+1, false
	for i := range f.plan.regions {
		f.plan.regions[i].exclusive = nil
	}
	err := f.runTransaction(ctx, durableSettings(), func(tx pg.Tx) error {
		if _, err := tx.Exec(ctx, sqltext.Format("UPDATE {} SET ready = false", f.planTable(""))); err != nil {
			return err
		}
		return f.createSurveyTables(ctx, tx)
	})
	if err != nil {
		return err
	}
	// A region with filled rows of these instants had rows of them in the survey, or was filled in a later round.
	intervals := left.intervals()
	return f.divideShared(ctx, func(at order.Instant) bool { return contains(intervals, at) },
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
