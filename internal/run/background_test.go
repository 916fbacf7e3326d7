package run

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// TestBackgroundWaitsForWatchers checks that end returns after all watchers have.
func TestBackgroundWaitsForWatchers(t *testing.T) {
	watch, end := background(t.Context())
	var left atomic.Int32
	for range 3 {
		left.Add(1)
		watch(func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond) // as in the middle of a query
			left.Add(-1)
		})
	}
	end()
	if n := left.Load(); n > 0 {
		t.Errorf("%d watchers are still running", n)
	}
}
