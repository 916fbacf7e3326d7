package cli

import (
	"context"
)

// stopping holds the contexts that signals end. The first signal ends soft, which asks for a clean end. The second one
// cancels hard, which interrupts the current statement.
type stopping struct {
	soft, hard context.Context
	end        func()
}

// watch handles signals until end is called. Without clean the first signal cancels at once, since there is nothing to
// end cleanly. say is called with a message for the user.
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
			a.Release() // a third signal kills the program
		}
		cancel()
	}()
	return stopping{soft: soft, hard: hard, end: func() { stop(); cancel(); <-done }}
}
