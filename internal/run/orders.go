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
type orders struct {
	stop    chan struct{} // closed when the run is to end, whoever asked
	ordered atomic.Bool   // it was another terminal, not a signal
}

// knobs are what an order may turn.
type knobs struct {
	pace  *pace.Pace
	watch *throttle.Watch
}

// listen hears the lease's orders and the caller's Stop until the context ends.
func listen(ctx context.Context, lease *journal.Lease, k knobs, signal <-chan struct{}) *orders {
	o := &orders{stop: make(chan struct{})}
	go o.hear(ctx, lease.Requests(), k, signal)
	return o
}

func (o *orders) hear(ctx context.Context, given <-chan journal.Request, k knobs, signal <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signal:
			close(o.stop)
			return
		case order := <-given:
			if o.obey(order, k) {
				close(o.stop)
				return
			}
		}
	}
}

// pausedReason is what a paused run tells of itself.
const pausedReason = "paused from another terminal; rekey resume lets it go on"

// obey tells whether the run is to end.
func (o *orders) obey(order journal.Request, k knobs) bool {
	switch order.Verb {
	case journal.Pause:
		k.pace.Pause("pause", pausedReason)
	case journal.Resume:
		k.pace.Resume("pause")
	case journal.Stop:
		o.ordered.Store(true)
		return true
	case journal.Tune:
		k.tune(order)
	}
	return false
}

// tune changes the knobs that were named.
func (k knobs) tune(order journal.Request) {
	if named, err := pace.ParseSpeed(order.Pace); order.Pace != "" && err == nil {
		k.pace.SetSpeed(named)
	}
	if order.BatchTime > 0 {
		k.pace.SetBatchTime(order.BatchTime)
	}
	if order.MaxLag > 0 {
		k.watch.SetMaxLag(order.MaxLag)
	}
}

// problem says who asked the run to end.
func (o *orders) problem() error {
	if o.ordered.Load() {
		return message.StoppedByOrder()
	}
	return message.LeftAtSignal(nil)
}
