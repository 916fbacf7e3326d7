package pace

import (
	"slices"
	"time"
)

// Servo sizes batches by what the last ones took. It knows neither clock nor server: it is told.
type Servo struct {
	size, floor, ceiling int
	last                 []batch
	fixed                time.Duration // what a batch takes whatever its size, where that is more than the target
	granted              int           // for how many batches yet that counts
}

// batch is how many units one had, and the time it took.
type batch struct {
	units int
	took  time.Duration
}

const (
	remembered = 10
	growth     = 1.5 // at most, from one batch to the next
	overrun    = 5   // times the target: a tenth at once
	scale      = 1000
)

// NewServo begins with batches of first units and keeps them from floor to ceiling.
func NewServo(first, floor, ceiling int) *Servo {
	s := &Servo{floor: floor, ceiling: max(ceiling, floor)}
	s.resize(first)
	return s
}

// Size is how many units the next batch is to have.
func (s *Servo) Size() int { return s.size }

// Note tells of a batch of so many units and the time it took. The next is sized so that nine of ten
// like the last ones would have kept to the target.
func (s *Servo) Note(units int, took, target time.Duration) {
	if units <= 0 {
		return
	}
	now := batch{units, took}
	s.last = append(s.last, now)
	if len(s.last) > remembered {
		s.last = s.last[1:]
	}
	s.judge(now, target)
	var fixed time.Duration
	switch {
	case took < target:
		s.granted = 0
	case s.granted > 0:
		s.granted--
		fixed, target = s.fixed, max(target, s.fixed+s.fixed/2)
	}
	s.resize(min(s.wanted(now, target, fixed), int(float64(s.size)*growth)+1))
}

// wanted is the size that keeps to a target, of which a part is spent whatever the size.
func (s *Servo) wanted(now batch, target, fixed time.Duration) int {
	if now.took > overrun*target {
		return s.size / 10 //nolint:mnd // as Split does
	}
	fits := int(min((target-fixed)*scale/max(s.ninetieth(fixed), 1), time.Duration(s.ceiling)))
	if fits > s.size && now.units < s.size {
		return s.size // a smaller one than was asked for says nothing about larger ones
	}
	return fits
}

// judge asks whether smaller batches are of any use. What each takes whatever its size, by what the largest of the last ones took
// and by the quickest, may be more than the target by itself: then small ones keep to it no better and are many more. For a while
// they may take half as much again as that.
func (s *Servo) judge(now batch, target time.Duration) {
	most, least := now, now.took
	for _, one := range s.last {
		least = min(least, one.took)
		if one.units > most.units {
			most = one
		}
	}
	if most.units < 2*now.units {
		return
	}
	each := max((most.took-now.took)/time.Duration(most.units-now.units), 0)
	if fixed := min(now.took-each*time.Duration(now.units), least); fixed >= target {
		s.fixed, s.granted = fixed, 2*remembered
	}
}

// Split answers to a batch that was far too slow, or was cut short by a timeout: the next has a tenth.
func (s *Servo) Split() { s.resize(s.size / 10) }

// Least reports whether batches cannot get smaller.
func (s *Servo) Least() bool { return s.size == s.floor }

func (s *Servo) resize(size int) { s.size = min(max(size, s.floor), s.ceiling) }

// ninetieth is the cost of a unit, times scale, that nine of ten of the last batches did not exceed.
func (s *Servo) ninetieth(fixed time.Duration) time.Duration {
	costs := make([]time.Duration, len(s.last))
	for i, one := range s.last {
		costs[i] = max(one.took-fixed, 0) * scale / time.Duration(one.units)
	}
	slices.Sort(costs)
	return costs[(len(costs)*9+9)/10-1]
}

// Cut halves the size: a batch would have held more than it may.
func (s *Servo) Cut() { s.resize(s.size / 2) }
