package backfill

import (
	"context"
	"time"
)

// Doubt counts batches that take far longer than they should: the table is not what it was when the filling began, its key
// has lost its index perhaps. They stay over their target although they have become small, or keep to it with a small share
// of the rows that they had before. The zero value is ready.
type SlowBatches struct {
	inARow  int
	fastest float64 // what a row took in the fastest batch, in nanoseconds
}

const (
	slowFactor     = 10 // times the target
	costFactor     = 20 // times what a row took in the fastest batch
	maxSlowBatches = 8  // one after the other
)

// Note takes up a batch of so many rows, and reports whether the table is to be inspected. Of 0 rows nothing is known.
func (d *SlowBatches) Record(rows int, took, target time.Duration) bool {
	if !d.isSlow(rows, took, target) {
		d.inARow = 0
		return false
	}
	if d.inARow++; d.inARow < maxSlowBatches {
		return false
	}
	*d = SlowBatches{} // what a row takes now is usual from now on
	return true
}

func (d *SlowBatches) isSlow(rows int, took, target time.Duration) bool {
	if rows <= 0 {
		return took > slowFactor*target
	}
	each := float64(took) / float64(rows)
	if d.fastest == 0 || each < d.fastest {
		d.fastest = each
	}
	const some = 2 // a batch that takes less than half its target may have few rows by chance
	return took > slowFactor*target || took > target/some && each > costFactor*d.fastest
}

// Idle counts rounds in which no row was filled although rows without a value could be locked: what a batch reads is not
// what it then finds. The zero value is ready.
type IdleRounds struct{ rounds int }

// idleRounds are more than an application makes by chance that changes a row between reading and locking it.
const maxIdleRounds = 5

// Note takes up a round, and reports whether the table is to be inspected.
func (i *IdleRounds) Record(filled int64, free bool) bool {
	if filled > 0 || !free {
		i.rounds = 0
		return false
	}
	if i.rounds++; i.rounds < maxIdleRounds {
		return false
	}
	i.rounds = 0
	return true
}

// Reinspect calls Inspect, if there is one.
func (w Work) Reinspect(ctx context.Context) error {
	if w.Inspect == nil {
		return nil
	}
	return w.Inspect(ctx)
}
