package backfill

import (
	"context"
	"time"
)

// SlowBatches detects that a table has changed since the filling began, for example that its key lost its index: several
// batches in a row take far longer than the target although they are small, or take a row far longer than the fastest batch
// did. The zero value is ready to use.
type SlowBatches struct {
	inARow  int
	fastest float64 // nanoseconds per row of the fastest batch
}

const (
	slowFactor     = 10 // times the target
	costFactor     = 20 // times the fastest batch's time per row
	maxSlowBatches = 8  // in a row
)

// Record adds a batch and reports whether the table should be inspected. rows is 0 if their number is not known.
func (d *SlowBatches) Record(rows int, took, target time.Duration) bool {
	if !d.isSlow(rows, took, target) {
		d.inARow = 0
		return false
	}
	if d.inARow++; d.inARow < maxSlowBatches {
		return false
	}
	*d = SlowBatches{} // the present time per row is the new normal
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
	const half = 2 // a batch that takes less than half the target may have few rows by chance
	return took > slowFactor*target || took > target/half && each > costFactor*d.fastest
}

// IdleRounds detects rounds that fill no row although rows without a value are not locked: the rows that a batch reads are
// not the ones that it finds. The zero value is ready to use.
type IdleRounds struct{ rounds int }

// maxIdleRounds is more than an application causes by changing rows between their reading and their locking.
const maxIdleRounds = 5

// Record adds a round and reports whether the table should be inspected. free says that a row without a value is not locked.
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

// Reinspect calls Inspect if it is set.
func (e *Engine) Reinspect(ctx context.Context) error {
	if e.Inspect == nil {
		return nil
	}
	return e.Inspect(ctx)
}
