package backfill

import (
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
)

const (
	reportInterval = 250 * time.Millisecond
	rateWindow     = 5 * time.Second // the rate is of about so long
)

// Progress counts, and tells of it no more than four times a second. It hands over one event at a time.
type Progress struct {
	mu         sync.Mutex
	table      string
	done       int64
	total      int64
	held       int64
	rate       float64
	reportedAt time.Time
	reported   int64 // done when it was last told
	reason     string
	emit       event.Sink
}

// NewProgress begins with an estimate of the rows that there are to fill.
func NewProgress(table string, total int64, emit event.Sink) *Progress {
	return &Progress{table: table, total: total, reportedAt: time.Now(), emit: emit}
}

// Add counts rows that were filled.
func (p *Progress) Add(rows int64) {
	p.mu.Lock()
	p.done += rows
	p.mu.Unlock()
	p.Report(false)
}

// Skip counts rows that somebody held.
func (p *Progress) AddHeld(rows int64) {
	p.mu.Lock()
	p.held += rows
	p.mu.Unlock()
	p.Report(true)
}

// Expect lowers the estimate of what there is to do: a part is done already.
func (p *Progress) SetTotal(total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = total
}

// Rows are those that were filled.
func (p *Progress) Rows() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Tell emits an event, if the last one is long enough ago or in any case.
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

// Held gives what the pace says, and tells of a reason to stand still and of its end, once. It asks the
// pace in turn with the other workers: a reason that one read before it was over would else be told
// behind its end.
func (p *Progress) Paused(speed *pace.Pace) (reason string, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reason, changed = speed.Paused()
	if reason != p.reason {
		p.reason = reason
		p.emit.Emit(event.Throttled{Reason: reason, Paused: reason != ""})
	}
	return reason, changed
}

// Emit hands over an event of another kind, in turn.
func (p *Progress) Emit(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.emit.Emit(e)
}
