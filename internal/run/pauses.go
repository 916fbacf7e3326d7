package run

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pace"
)

// noteAgain is when a note that could not be written is tried again.
const recordRetryInterval = time.Second

// note writes into the journal why the run stands still, until the context ends; the channel is closed
// then. That it could not be written is no reason to end a run.
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
