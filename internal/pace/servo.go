package pace

import (
	"slices"
	"time"
)

// Servo sizes batches by what the last ones took. It knows neither clock nor server: it is told.
type Servo struct {
	size, floor, ceiling int
	costs                []time.Duration // of one unit, times scale, in the last batches
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
	s.costs = append(s.costs, took*scale/time.Duration(units))
	if len(s.costs) > remembered {
		s.costs = s.costs[1:]
	}
	if took > overrun*target {
		s.Split()
		return
	}
	cost := max(ninetieth(s.costs), 1)
	fits := int(min(target*scale/cost, time.Duration(s.ceiling)))
	if fits > s.size && units < s.size {
		return // a smaller one than was asked for says nothing about larger ones
	}
	s.resize(min(fits, int(float64(s.size)*growth)+1))
}

// Split answers to a batch that was far too slow, or was cut short by a timeout: the next has a tenth.
func (s *Servo) Split() { s.resize(s.size / 10) }

// Least reports whether batches cannot get smaller.
func (s *Servo) Least() bool { return s.size == s.floor }

func (s *Servo) resize(size int) { s.size = min(max(size, s.floor), s.ceiling) }

// ninetieth is the cost that nine of ten do not exceed.
func ninetieth(costs []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(costs))
	return sorted[(len(sorted)*9+9)/10-1]
}

// Cut halves the size: a batch would have held more than it may.
func (s *Servo) Cut() { s.resize(s.size / 2) }
