package run

import (
	"context"
	"sync/atomic"

	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// requestListener applies requests from other terminals to a run.
type requestListener struct {
	stop      chan struct{} // closed when the run must end
	requested atomic.Bool   // true if another terminal requested the end, false if a signal did
}

// controls are what a request can change.
type controls struct {
	pace  *pace.Pace
	watch *throttle.Watch
}

// listenForRequests reads the lease's requests and the caller's Stop channel until the context ends.
func listenForRequests(ctx context.Context, lease *journal.Lease, c controls, signal <-chan struct{}) *requestListener {
	l := &requestListener{stop: make(chan struct{})}
	go l.run(ctx, lease.Requests(), c, signal)
	return l
}

func (l *requestListener) run(ctx context.Context, requests <-chan journal.Request, c controls, signal <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signal:
			close(l.stop)
			return
		case request := <-requests:
			if l.handle(request, c) {
				close(l.stop)
				return
			}
		}
	}
}

// pausedReason is the reason that a paused run reports.
const pausedReason = "paused from another terminal; to continue: rekey resume"

// requested is the signal of a pause that another terminal asked for.
const requested = "request"

// handle applies a request and reports whether the run must end.
func (l *requestListener) handle(request journal.Request, c controls) bool {
	switch request.Verb {
	case journal.Pause:
		c.pace.Pause(requested, pausedReason)
	case journal.Resume:
		c.pace.Resume(requested)
	case journal.Stop:
		l.requested.Store(true)
		return true
	case journal.Tune:
		c.tune(request)
	}
	return false
}

// tune changes the controls that the request sets.
func (c controls) tune(request journal.Request) {
	if named, err := pace.ParseSpeed(request.Pace); request.Pace != "" && err == nil {
		c.pace.SetSpeed(named)
	}
	if request.MaxImpact != 0 {
		c.pace.SetMaxImpact(request.MaxImpact)
	}
	if request.BatchTime > 0 {
		c.pace.SetBatchTime(request.BatchTime)
	}
	if request.MaxLag > 0 {
		c.watch.SetMaxLag(request.MaxLag)
	}
}

// stopReason returns the problem that says who ended the run.
func (l *requestListener) stopReason() error {
	if l.requested.Load() {
		return message.StoppedByRequest()
	}
	return message.Interrupted(nil)
}
