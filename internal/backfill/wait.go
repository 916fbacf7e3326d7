package backfill

import (
	"context"
	"time"
)

// Wait waits while the pace is paused, and reports the reason. It returns ErrStopped when Stop is closed.
func (j Job) Wait(ctx context.Context, progress *Progress) error {
	for {
		reason, changed := progress.Paused(j.Pace)
		if reason == "" {
			return j.Sleep(ctx, 0)
		}
		select {
		case <-changed:
		case <-j.Stop:
			return ErrStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Sleep waits for a duration. It returns ErrStopped when Stop is closed.
func (j Job) Sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-j.Stop:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
	}
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-j.Stop:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
