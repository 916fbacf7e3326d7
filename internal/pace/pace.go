// Package pace decides how fast a run goes: the size of its batches from what they take, the pauses
// between them, and whether it stands still, with the reason. It touches no clock and no server.
package pace

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Speed is a pace by name.
type Speed string

// The speeds.
const (
	Gentle Speed = "gentle" // works a quarter of the time, one worker
	Normal Speed = "normal" // works two thirds of the time
	Full   Speed = "full"   // never rests
)

// ParseSpeed reads a speed; "" is Normal.
func ParseSpeed(word string) (Speed, error) {
	switch s := Speed(word); s {
	case "":
		return Normal, nil
	case Gentle, Normal, Full:
		return s, nil
	default:
		return "", fmt.Errorf("pace %q is none of gentle, normal and full", word)
	}
}

// Duty is the share of the time in which a worker works.
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

// Workers bounds the workers on one table.
func (s Speed) MaxWorkers() int {
	if s == Gentle {
		return 1
	}
	return 2
}

// DefaultBatch is the time that a batch aims at.
const DefaultBatchTime = 50 * time.Millisecond

// Pace is what a run looks at before each batch. It may be changed from any goroutine while the run
// goes on; a nil one is Normal with the default batch time.
type Pace struct {
	mu      sync.Mutex
	speed   Speed
	batch   time.Duration
	reasons map[string]string // by signal; any one stops
	changed chan struct{}
}

// New gives a pace; a speed of "" is Normal, a batch time of 0 the default.
func New(speed Speed, batch time.Duration) *Pace {
	return &Pace{speed: speed, batch: batch, reasons: map[string]string{}}
}

// Speed is the speed now.
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

// Batch is the time that a batch is to take now.
func (p *Pace) BatchTime() time.Duration {
	if p == nil {
		return DefaultBatchTime
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.batch <= 0 {
		return DefaultBatchTime
	}
	return p.batch
}

// SetSpeed changes the speed.
func (p *Pace) SetSpeed(s Speed) { p.change(func() { p.speed = s }) }

// SetBatch changes the time that a batch is to take.
func (p *Pace) SetBatchTime(d time.Duration) { p.change(func() { p.batch = d }) }

// Hold makes the run stand still because of a signal, with the reason in words.
func (p *Pace) Pause(signal, reason string) { p.change(func() { p.reasons[signal] = reason }) }

// Release takes a signal's objection back.
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

// Held gives the reason for standing still, "" when there is none, and a channel that is closed when
// anything about the pace changes.
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

// Rest is the pause after a batch that took so long. What took many times the target has waited, for a
// lock or a server that was away, and not worked: nobody needs a rest from that.
func (p *Pace) Rest(took time.Duration) time.Duration {
	duty := p.Speed().Duty()
	took = min(took, overrun*p.BatchTime())
	return time.Duration(float64(took) * (1/duty - 1))
}
