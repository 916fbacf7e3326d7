package run

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pace"
)

// noteAgain is when a note that could not be written is tried again.
const noteAgain = time.Second

// note writes into the journal why the run stands still, until the context ends; the channel is closed
// then. That it could not be written is no reason to end a run.
func note(ctx context.Context, speed *pace.Pace, lease *journal.Lease) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for told := ""; ctx.Err() == nil; {
			reason, changed := speed.Paused()
			var again <-chan time.Time
			if reason != told {
				if lease.SetPauseReason(ctx, reason) == nil {
					told = reason
				} else {
					again = time.After(noteAgain)
				}
			}
			select {
			case <-changed:
			case <-again:
			case <-ctx.Done():
			}
		}
	}()
	return ended
}
