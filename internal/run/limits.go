package run

import (
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// Limits bound how long a run waits for locks and how much load it causes.
type Limits struct {
	LockTimeout      time.Duration // lock_timeout of each attempt to take ACCESS EXCLUSIVE
	LockRetryTimeout time.Duration // how long a lock is retried before the run fails

	Speed     pace.Speed    // "" is pace.Normal
	BatchTime time.Duration // target duration of a batch of the backfill; 0 is 50ms
	MaxImpact float64       // limit of the impact; 0 leaves it to the speed, below 0 is none

	Signals throttle.Limits // when the run pauses
}

// Outcome describes what a run did.
type Outcome struct {
	Tables int
	Edges  int
	Keys   int
	Rows   int64
	Locks  event.Locks
}
