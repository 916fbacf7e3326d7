package backfill

import (
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
)

const (
	reportInterval = 250 * time.Millisecond
	rateWindow     = 5 * time.Second // over which the rate is averaged
)

// Progress counts filled rows and emits events, at most four a second and one at a time. It is safe for concurrent use.
type Progress struct {
	mu         sync.Mutex
	table      string
	done       int64
	total      int64
	held       int64
	rate       float64
	reportedAt time.Time
	reported   int64 // done at the last event
	reason     string
	emit       event.Sink
}

// newProgress returns a Progress with an estimate of the rows to fill.
func newProgress(table string, total int64, emit event.Sink) *Progress {
	return &Progress{table: table, total: total, reportedAt: time.Now(), emit: emit}
}

// add counts filled rows.
func (p *Progress) add(rows int64) {
	p.mu.Lock()
	p.done += rows
	p.mu.Unlock()
	p.Report(false)
}

// addHeld counts rows that other transactions held.
func (p *Progress) addHeld(rows int64) {
	p.mu.Lock()
	p.held += rows
	p.mu.Unlock()
	p.Report(true)
}

// SetTotal changes the estimate of the rows to fill.
func (p *Progress) SetTotal(total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = total
}

// Rows returns the number of filled rows.
func (p *Progress) Rows() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Report emits an event of the progress if the last one is old enough, or always.
func (p *Progress) Report(always bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := time.Since(p.reportedAt)
	if since < reportInterval && !always {
		return
	}
	p.updateRate(since)
	p.total = max(p.total, p.done)
	p.emit.Emit(event.Progress{
		Table: p.table, Done: p.done, Total: p.total, Rate: p.rate, Left: p.remaining(), Held: p.held,
	})
	p.reportedAt, p.reported = time.Now(), p.done
}

func (p *Progress) updateRate(since time.Duration) {
	if since <= 0 {
		return
	}
	now := float64(p.done-p.reported) / since.Seconds()
	weight := min(since.Seconds()/rateWindow.Seconds(), 1)
	if p.rate == 0 {
		weight = 1
	}
	p.rate += weight * (now - p.rate)
}

func (p *Progress) remaining() time.Duration {
	if p.rate <= 0 {
		return 0
	}
	return time.Duration(float64(p.total-p.done) / p.rate * float64(time.Second))
}

// paused returns Pace.Paused and emits an event when the reason changes. It reads the pace under the lock, so that the event
// of a reason never follows the event of its end.
func (p *Progress) paused(speed *pace.Pace) (reason string, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reason, changed = speed.Paused()
	if reason != p.reason {
		p.reason = reason
		p.emit.Emit(event.Throttled{Reason: reason, Paused: reason != "", Signal: speed.Signal()})
	}
	return reason, changed
}

// Emit emits another event.
func (p *Progress) Emit(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.emit.Emit(e)
}
