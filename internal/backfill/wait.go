package backfill

import (
	"context"
	"time"
)

// Wait waits while the pace is paused, and reports the reason. It returns ErrStopped when Stop is closed.
func (w Work) Wait(ctx context.Context, progress *Progress) error {
	for {
		reason, changed := progress.Paused(w.Pace)
		if reason == "" {
			return w.Sleep(ctx, 0)
		}
		select {
		case <-changed:
		case <-w.Stop:
			return ErrStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Sleep waits for a duration. It returns ErrStopped when Stop is closed.
func (w Work) Sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-w.Stop:
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
	case <-w.Stop:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
