package run

import (
	"context"
	"sync/atomic"

	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// orders carries what other terminals ask of a run to its pace and to its end.
type requestListener struct {
	stop      chan struct{} // closed when the run is to end, whoever asked
	requested atomic.Bool   // it was another terminal, not a signal
}

// knobs are what an order may turn.
type controls struct {
	pace  *pace.Pace
	watch *throttle.Watch
}

// listen hears the lease's orders and the caller's Stop until the context ends.
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

// pausedReason is what a paused run tells of itself.
const pausedReason = "paused from another terminal; rekey resume lets it go on"

// obey tells whether the run is to end.
func (l *requestListener) handle(request journal.Request, c controls) bool {
	switch request.Verb {
	case journal.Pause:
		c.pace.Pause("pause", pausedReason)
	case journal.Resume:
		c.pace.Resume("pause")
	case journal.Stop:
		l.requested.Store(true)
		return true
	case journal.Tune:
		c.tune(request)
	}
	return false
}

// tune changes the knobs that were named.
func (c controls) tune(request journal.Request) {
	if named, err := pace.ParseSpeed(request.Pace); request.Pace != "" && err == nil {
		c.pace.SetSpeed(named)
	}
	if request.BatchTime > 0 {
		c.pace.SetBatchTime(request.BatchTime)
	}
	if request.MaxLag > 0 {
		c.watch.SetMaxLag(request.MaxLag)
	}
}

// problem says who asked the run to end.
func (l *requestListener) stopReason() error {
	if l.requested.Load() {
		return message.StoppedByOrder()
	}
	return message.LeftAtSignal(nil)
}
