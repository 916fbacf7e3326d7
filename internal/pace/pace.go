// Package pace decides how fast a run works: the size of its batches, the pauses between them, and whether it is paused
// and why. It reads no clock and no server.
package pace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
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

// MaxWorkers returns the largest number of workers on one table.
func (s Speed) MaxWorkers() int {
	if s == Gentle {
		return 1
	}
	return 2
}

// Setting is how hard a run works. The zero value of a field leaves it to the speed.
type Setting struct {
	Workers   int           // on one table
	BatchTime time.Duration // target duration of a batch
	Duty      float64       // share of the time in which a worker works, above 0 and up to 1
	Flush     bool          // each batch flushes its own WAL (synchronous_commit local), so that no COMMIT of the application has to
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
	reasons map[string]string // by signal; the run is paused while there is one
	changed chan struct{}
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

// Setting returns the current setting. No field is zero, except Flush.
func (p *Pace) Setting() Setting {
	if p == nil {
		return New(Normal, 0).Setting()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	speed := cmp.Or(p.speed, Normal)
	longest := p.batch
	if longest <= 0 {
		longest = DefaultBatchTime
	}
	now := p.setting
	now.Workers = cmp.Or(now.Workers, speed.MaxWorkers())
	now.Duty = cmp.Or(now.Duty, speed.Duty())
	now.BatchTime = min(cmp.Or(now.BatchTime, longest), longest)
	return now
}

// Set changes the setting. A batch takes at most the batch time of New or SetBatchTime.
func (p *Pace) Set(s Setting) { p.change(func() { p.setting = s }) }

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

// Rest returns the pause after a batch of a certain duration. A duration far above the target was mostly spent waiting, for
// a lock or a lost server, and only part of it counts.
func (p *Pace) Rest(took time.Duration) time.Duration {
	duty := p.Setting().Duty
	took = min(took, overrun*p.BatchTime())
	return time.Duration(float64(took) * (1/duty - 1))
}
