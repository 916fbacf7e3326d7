package run

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// recordRetryInterval is the time until a failed write is retried.
const recordRetryInterval = time.Second

// recordPauses writes to the journal why the run pauses, until the context ends; the channel is closed then. A
// failed write does not end the run.
func recordPauses(ctx context.Context, speed *pace.Pace, lease *journal.Lease) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for recorded := ""; ctx.Err() == nil; {
			reason, changed := speed.Paused()
			var retry <-chan time.Time
			if reason != recorded {
				if lease.SetPauseReason(ctx, reason) == nil {
					recorded = reason
				} else {
					retry = time.After(recordRetryInterval)
				}
			}
			select {
			case <-changed:
			case <-retry:
			case <-ctx.Done():
			}
		}
	}()
	return ended
}

// waitWhilePaused waits while the run is paused, and reports the pause.
func (e *Executor) waitWhilePaused(ctx context.Context) {
	reported := ""
	for {
		reason, changed := e.Pace.Paused()
		if reason != reported {
			reported = reason
			e.Emit.Emit(event.Throttled{Reason: reason, Paused: reason != "", Signal: e.Pace.Signal()})
		}
		if reason == "" {
			return
		}
		select {
		case <-changed:
		case <-e.Stop:
			return
		case <-e.leaseLost():
			return
		case <-ctx.Done():
			return
		}
	}
}

// setActivity sets the table that the throttle signals watch.
func (e *Executor) setActivity(ctx context.Context, g plan.Group, t step.Target, filling bool) {
	activity := throttle.Activity{Filling: filling}
	if t.Table != "" {
		table := e.Plan.Schema.Named(g.Table)
		activity.Table, activity.Small = t.Relation(), table != nil && countPages(table) <= largeTablePages
	}
	e.Watch.SetActivity(ctx, activity)
}

// countPages returns the number of pages of a table and all its descendants.
func countPages(table *catalog.Table) (n int64) {
	for _, one := range table.All() {
		n += one.Pages
	}
	return n
}
