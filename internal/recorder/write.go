package recorder

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
)

// write writes the queue at the interval until Finish is called. After a failure it waits longer each time.
func (r *Recorder) write() {
	defer close(r.ended)
	pause := writeInterval
	for {
		timer := time.NewTimer(pause)
		select {
		case <-r.wake:
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(2*pause, maxPause)
		if r.flushUntilWoken() == nil {
			pause = writeInterval
		}
	}
}

// flushUntilWoken writes once. Finish cancels it if the connection is silent, and tries again.
func (r *Recorder) flushUntilWoken() error {
	ctx, cancel := context.WithTimeout(r.ctx, writeTimeout)
	defer cancel()
	written := make(chan error, 1)
	go func() { written <- r.flush(ctx, false) }()
	select {
	case err := <-written:
		return err
	case <-r.wake:
	}
	select { // the write has a moment to end by itself
	case err := <-written:
		return err
	case <-time.After(writeInterval):
		cancel()
		return <-written
	}
}

// flush writes the oldest events of the queue, at most maxBatch. The last write of a run also deletes the events of old runs.
func (r *Recorder) flush(ctx context.Context, last bool) error {
	if r.unsent == nil {
		r.unsent = r.next()
	}
	if last {
		r.unsent.Forget = r.schema
	}
	if len(r.unsent.Add)+len(r.unsent.Drop) == 0 && !last {
		r.unsent = nil
		return nil
	}
	err := journal.SaveEvents(ctx, r.pool, *r.unsent)
	if err == nil {
		r.unsent = nil
		r.mu.Lock()
		r.waiting -= r.sending
		r.mu.Unlock()
		r.sending = 0
	}
	return err
}

// next takes the oldest events from the queue and returns the write of them.
func (r *Recorder) next() *journal.Events {
	r.mu.Lock()
	n := min(len(r.queue), maxBatch)
	batch := r.queue[:n:n]
	r.sending = n
	r.queue = r.queue[n:]
	written := r.seq
	if len(r.queue) == 0 {
		r.queue = nil // so that the memory of a long queue is freed
	} else {
		written = r.queue[0].Seq - 1
	}
	events := &journal.Events{Run: r.run, Drop: r.thin.takeDropped(written)}
	r.mu.Unlock()
	for len(batch) > 0 {
		together := 1
		if _, frequent := seriesOf(batch[0].Event); !frequent {
			for together < len(batch) && !isFrequent(batch[together]) && together < maxTogether {
				together++
			}
		}
		r.addRow(events, batch[:together])
		batch = batch[together:]
	}
	return events
}

// maxTogether is the number of events that share a row. Rows of a few kilobytes are compressed well.
const maxTogether = 200

func (r *Recorder) addRow(events *journal.Events, entries []history.Entry) {
	lines, err := journal.EventLines(entries)
	if err != nil { // an event that is not JSON: a number that is not finite
		r.mu.Lock()
		r.lost, r.waiting = r.lost+len(entries), r.waiting-len(entries)
		r.mu.Unlock()
		r.sending -= len(entries)
		return
	}
	last := entries[len(entries)-1]
	events.Add = append(events.Add, journal.EventRow{Seq: last.Seq, At: last.At, Lines: lines})
}

// sleep waits and reports whether the context is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
