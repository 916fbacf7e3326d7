package run

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// TestNoWatcherIsLeft: what a watcher still does when it is ended is done before anything else is.
func TestBackgroundWaitsForWatchers(t *testing.T) {
	watch, end := background(t.Context())
	var left atomic.Int32
	for range 3 {
		left.Add(1)
		watch(func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond) // it is in the middle of a look
			left.Add(-1)
		})
	}
	end()
	if n := left.Load(); n > 0 {
		t.Errorf("%d watchers are at work still", n)
	}
}
