package backfill

import (
	"context"
	"time"
)

// Wait stands still as long as the pace says so, and tells why. When it is asked to leave it gives ErrStopped.
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

// Sleep pauses, unless it is asked to leave: then it gives ErrStopped.
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
