package backfill

import (
	"context"
	"time"
)

// Doubt counts batches that stay far over their target although they have become small: the table is not what it was
// when the filling began, its key has lost its index perhaps. The zero value is ready.
type Doubt struct{ slow int }

const (
	farOver     = 10 // times the target
	slowBatches = 8  // one after the other
)

// Note takes up a batch, and reports whether the table is to be inspected.
func (d *Doubt) Note(took, target time.Duration) bool {
	if took <= farOver*target {
		d.slow = 0
		return false
	}
	if d.slow++; d.slow < slowBatches {
		return false
	}
	d.slow = 0
	return true
}

// Idle counts rounds in which no row was filled although rows without a value could be locked: what a batch reads is not
// what it then finds. The zero value is ready.
type Idle struct{ rounds int }

// idleRounds are more than an application makes by chance that changes a row between reading and locking it.
const idleRounds = 5

// Note takes up a round, and reports whether the table is to be inspected.
func (i *Idle) Note(filled int64, free bool) bool {
	if filled > 0 || !free {
		i.rounds = 0
		return false
	}
	if i.rounds++; i.rounds < idleRounds {
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
