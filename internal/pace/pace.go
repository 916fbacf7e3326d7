// Package pace decides how fast a run works: the size of its batches, the pauses between them, and whether it is paused
// and why. It reads no clock and no server.
package pace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Speed is the name of a pace.
type Speed string

// The speeds.
const (
	Gentle Speed = "gentle" // works a quarter of the time, with one worker
	Normal Speed = "normal" // works two thirds of the time
	Full   Speed = "full"   // works without pauses
)

// ParseSpeed parses the name of a speed. Default: Normal.
func ParseSpeed(word string) (Speed, error) {
	switch s := Speed(word); s {
	case "":
		return Normal, nil
	case Gentle, Normal, Full:
		return s, nil
	default:
		return "", fmt.Errorf("pace %q is not one of gentle, normal and full", word)
	}
}

// Duty returns the share of the time in which a worker works.
func (s Speed) Duty() float64 {
	switch s {
	case Gentle:
		return 0.25
	case Full:
		return 1
	default:
		return 2. / 3
	}
}

// MaxImpact returns the speed's limit of the impact: how many times as long as at rest the application's commits and reads may
// take. 0 is no limit.
func (s Speed) MaxImpact() float64 {
	switch s {
	case Gentle:
		return 1.2
	case Full:
		return 0
	default:
		return 1.5
	}
}

// MaxWorkers returns the largest number of workers on one table.
func (s Speed) MaxWorkers() int {
	if s == Gentle {
		return 1
	}
	return 2
}

// Fixed returns the setting of a run that has a limit of the impact and cannot measure it: one worker in short batches that flush
// their own WAL. Full has no limit and leaves all to the speed.
func (s Speed) Fixed() Setting {
	const short, shortest = 4 * time.Millisecond, 2 * time.Millisecond
	switch s {
	case Full:
		return Setting{}
	case Gentle:
		return Setting{Workers: 1, BatchTime: shortest, StatementTime: shortest / 2, Duty: 0.5, Flush: FlushByBatch}
	default:
		return Setting{Workers: 1, BatchTime: short, StatementTime: shortest, Duty: 1, Flush: FlushByBatch}
	}
}

// Flush says who flushes the WAL of the batches.
type Flush string

// Who flushes the WAL of the batches.
const (
	FlushByServer  Flush = ""        // the server's WAL writer or a COMMIT of the application: batches commit asynchronously
	FlushByBatch   Flush = "batch"   // each batch with its COMMIT (synchronous_commit local)
	FlushByFlusher Flush = "flusher" // a session of the run, every few milliseconds; batches commit asynchronously
)

// Setting is how hard a run works. The zero value of a field leaves it to the speed.
type Setting struct {
	Workers       int           // on one table
	BatchTime     time.Duration // target duration of a batch
	StatementTime time.Duration // target duration of each statement of a batch; 0 is one statement
	Duty          float64       // share of the time in which a worker works, above 0 and up to 1
	Flush         Flush         // who flushes the WAL of the batches
	Rest          bool          // no batch begins, so that the impact's baseline can be measured
}

// Statements returns the number of statements in which a batch fills its rows, given the round trip of a statement, which the shortest
// statement takes. While the server waits for the next statement its processor is free for others.
func (s Setting) Statements(trip time.Duration) int {
	const most = 32
	if s.StatementTime <= 0 {
		return 1
	}
	return int(min(max(s.BatchTime/max(s.StatementTime, trip), 1), most))
}

// DefaultBatchTime is the target duration of a batch.
const DefaultBatchTime = 50 * time.Millisecond

// Pace is the current speed of a run, which reads it before each batch. It is safe for concurrent use. A nil *Pace is Normal
// with the default batch time and never paused, and cannot be changed.
type Pace struct {
	mu      sync.Mutex
	speed   Speed
	batch   time.Duration
	setting Setting           // by the controller of the impact
	impact  float64           // limit of the impact; 0 leaves it to the speed, below 0 is none
	working int               // transactions of the backfill that are running
	begun   int64             // transactions of the backfill so far
	reasons map[string]string // by signal; the run is paused while there is one
	changed chan struct{}
	took    []time.Duration // by the recent batches
}

// New returns a pace. A speed of "" is Normal, a batch time of 0 is DefaultBatchTime.
func New(speed Speed, batch time.Duration) *Pace {
	return &Pace{speed: speed, batch: batch, reasons: map[string]string{}}
}

// Speed returns the current speed.
func (p *Pace) Speed() Speed {
	if p == nil {
		return Normal
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.speed == "" {
		return Normal
	}
	return p.speed
}

// Setting returns the current setting. No number in it is zero.
func (p *Pace) Setting() Setting {
	if p == nil {
		return New(Normal, 0).Setting()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	speed := cmp.Or(p.speed, Normal)
	longest, now := p.longest(), p.setting
	now.Workers = cmp.Or(now.Workers, speed.MaxWorkers())
	now.Duty = cmp.Or(now.Duty, speed.Duty())
	now.BatchTime = min(cmp.Or(now.BatchTime, longest), longest)
	return now
}

// Set changes the setting. A batch takes at most the batch time of New or SetBatchTime.
func (p *Pace) Set(s Setting) { p.change(func() { p.setting = s }) }

// Resting returns whether no batch may begin, and a channel that is closed at the next change of the pace. The channel of a nil
// *Pace is nil.
func (p *Pace) Resting() (rest bool, changed <-chan struct{}) {
	if p == nil {
		return false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.setting.Rest, p.changed
}

// MaxImpact returns the current limit of the impact, 0 for none.
func (p *Pace) MaxImpact() float64 {
	if p == nil {
		return Normal.MaxImpact()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(cmp.Or(p.impact, cmp.Or(p.speed, Normal).MaxImpact()), 0)
}

// Limit returns the limit of SetMaxImpact: 0 leaves it to the speed, a number below 0 is no limit.
func (p *Pace) Limit() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.impact
}

// SetMaxImpact changes the limit of the impact: 0 leaves it to the speed, a number below 0 is no limit.
func (p *Pace) SetMaxImpact(limit float64) { p.change(func() { p.impact = limit }) }

// Begin counts a transaction of the backfill as running until the returned function is called.
func (p *Pace) Begin() (end func()) {
	if p == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working++
	p.begun++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.working--
	}
}

// Begun returns the number of transactions of the backfill so far.
func (p *Pace) Begun() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun
}

// Working returns the number of transactions of the backfill that are running.
func (p *Pace) Working() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.working
}

// Longest returns the longest target duration of a batch, which no setting exceeds.
func (p *Pace) Longest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.longest()
}

func (p *Pace) longest() time.Duration {
	if p.batch <= 0 {
		return DefaultBatchTime
	}
	return p.batch
}

// BatchTime returns the current target duration of a batch.
func (p *Pace) BatchTime() time.Duration { return p.Setting().BatchTime }

// SetSpeed changes the speed.
func (p *Pace) SetSpeed(s Speed) { p.change(func() { p.speed = s }) }

// SetBatchTime changes the target duration of a batch; 0 is DefaultBatchTime.
func (p *Pace) SetBatchTime(d time.Duration) { p.change(func() { p.batch = d }) }

// Pause pauses the run for a signal. The reason is shown to the user.
func (p *Pace) Pause(signal, reason string) { p.change(func() { p.reasons[signal] = reason }) }

// Resume withdraws a signal's pause. The run continues once no signal pauses it.
func (p *Pace) Resume(signal string) { p.change(func() { delete(p.reasons, signal) }) }

func (p *Pace) change(set func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set()
	if p.changed != nil {
		close(p.changed)
	}
	p.changed = make(chan struct{})
}

// Paused returns why the run is paused, "" if it is not, and a channel that is closed at the next change of the pace. The
// channel of a nil *Pace is nil.
func (p *Pace) Paused() (reason string, changed <-chan struct{}) {
	if p == nil {
		return "", nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	signals := slices.Sorted(maps.Keys(p.reasons))
	if len(signals) == 0 {
		return "", p.changed
	}
	return p.reasons[signals[0]], p.changed
}

// Signal returns the kind of the signal whose reason Paused returns, "" while the run is not paused.
func (p *Pace) Signal() string {
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	signals := slices.Sorted(maps.Keys(p.reasons))
	if len(signals) == 0 {
		return ""
	}
	kind, _, _ := strings.Cut(signals[0], " ") // a standby's signal has its name
	return kind
}

// Rest returns the pause after a batch of a certain duration. A duration far above the target was mostly spent waiting, for
// a lock or a lost server, and only part of it counts.
func (p *Pace) Rest(took time.Duration) time.Duration {
	p.record(took)
	duty := p.Setting().Duty
	took = min(took, overrun*p.BatchTime())
	return time.Duration(float64(took) * (1/duty - 1))
}
