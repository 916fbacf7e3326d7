package cli

import (
	"context"
)

// stopping is how a run learns of signals: the first closes soft, which asks for a clean end, the
// second cancels hard, which ends the statement under way.
type stopping struct {
	soft, hard context.Context
	end        func()
}

// watch listens until end is called. Where clean is false the first signal cancels at once: there is
// nothing to end cleanly. say tells the person what happens.
func (a *app) watch(ctx context.Context, clean bool, say func(string)) stopping {
	hard, cancel := context.WithCancel(ctx)
	soft, stop := context.WithCancel(hard)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-a.Signals:
			a.signal.Store(s)
		case <-hard.Done():
			return
		}
		stop()
		if clean {
			say("stopping after this batch; press Ctrl-C again to cancel it")
			select {
			case <-a.Signals:
				say("cancelling")
			case <-hard.Done():
				return
			}
		}
		if a.Release != nil {
			a.Release() // whoever presses it once more wants the program gone
		}
		cancel()
	}()
	return stopping{soft: soft, hard: hard, end: func() { stop(); cancel(); <-done }}
}
