// Package recorder writes the events of a run to the journal while the run works, so that rekey status, the live page and a
// later report know them. A run never waits for its recorder.
package recorder

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	writeInterval = 500 * time.Millisecond // between two writes; a run that ends earlier needs one write
	maxPause      = 10 * time.Second       // between two attempts after failed ones
	writeTimeout  = 5 * time.Second        // of one attempt, including the wait for a connection
	maxQueue      = 5000                   // events that wait for a write; the next ones are lost
	maxBatch      = 1000                   // events in one write
)

// The time limits of the last writes, at the end of a run that is done, and of one that failed.
const (
	endTimeout   = 5 * time.Second
	shortTimeout = 2 * time.Second
)

// Recorder records the events of one run. Its method Event is a [event.Sink]; it is safe for concurrent use.
type Recorder struct {
	ctx    context.Context //nolint:containedctx // it names the source of connections
	pool   *pgxpool.Pool
	schema string
	wake   chan struct{} // closed by Finish
	ended  chan struct{} // closed when the writer has ended

	mu      sync.Mutex
	run     int64 // 0 until the run has begun
	seq     int64
	clock   clock
	queue   []history.Entry
	waiting int // events that are not written: those in queue, and those of a write that failed
	lost    int
	closed  bool
	thin    thinner

	// Only the writer uses these.
	unsent  *journal.Events // a write that failed; it is repeated as it was
	sending int             // the number of its events
}

// New returns a Recorder of a run in a schema. It begins to write when the run begins. It takes its connections as the context
// says, and ends at Finish and not with the context.
func New(ctx context.Context, pool *pgxpool.Pool, schema string) *Recorder {
	return &Recorder{ctx: context.WithoutCancel(ctx), pool: pool, schema: schema, clock: clock{began: time.Now()}, wake: make(chan struct{}), ended: make(chan struct{}), thin: newThinner()}
}

// Event records an event. It only adds the event to a queue: a slow or lost connection does not delay the run.
func (r *Recorder) Event(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.add(e)
	if started, ok := e.(event.RunStarted); ok && r.run == 0 && started.Run != 0 {
		r.run = started.Run
		go r.write()
	}
}

// add adds an event to the queue, unless it is one of a frequent kind that follows the last one closely.
func (r *Recorder) add(e event.Event) {
	now := r.clock.now()
	if !r.thin.admits(e, now, r.seq+1) {
		return
	}
	r.seq++
	if len(r.queue) >= maxQueue {
		r.lost++
		return
	}
	r.queue = append(r.queue, history.Entry{Seq: r.seq, At: now, Event: e})
	r.waiting++
}

// Begun reports whether the run has a number.
func (r *Recorder) Begun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.run != 0
}

// Finish records the result, writes the rest, and returns the number of events that could not be recorded. It takes a few
// seconds at most. Later events are ignored. A run that has not begun leaves no record.
func (r *Recorder) Finish(ctx context.Context, result event.Result) (lost int) {
	if !r.close(result) {
		return 0
	}
	timeout := endTimeout
	if !result.OK || ctx.Err() != nil {
		timeout = shortTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	close(r.wake)
	select {
	case <-r.ended:
		r.flushAll(ctx)
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost + r.waiting
}

// close adds the result as the last event, and reports whether the run had begun.
func (r *Recorder) close(result event.Result) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if excess := len(r.queue) - (maxQueue - 2); excess > 0 {
		r.queue = r.queue[:len(r.queue)-excess]
		r.lost, r.waiting = r.lost+excess, r.waiting-excess
	}
	if r.lost > 0 {
		r.add(LostNotice(r.lost))
	}
	r.add(result)
	r.closed = true
	return r.run != 0
}

// flushAll writes the rest, as long as a failed write may succeed on another connection.
func (r *Recorder) flushAll(ctx context.Context) {
	for {
		err := r.flush(ctx, true)
		r.mu.Lock()
		done := r.waiting == 0
		r.mu.Unlock()
		if err == nil && done || err != nil && (!pg.Lost(err) || !sleep(ctx, retryPause)) {
			return
		}
	}
}

// retryPause is the time between two attempts at the end of a run.
const retryPause = 100 * time.Millisecond

// LostNotice reports how many events of a run are not in the journal.
func LostNotice(n int) event.Notice {
	return event.Notice{Text: message.Counted(n, "event", "events") + " of this run could not be recorded in the journal; rekey status and rekey report do not show them"}
}
