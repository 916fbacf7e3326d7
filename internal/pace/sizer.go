package pace

import (
	"cmp"
	"slices"
	"time"
)

// Servo sizes batches by what the last ones took. It knows neither clock nor server: it is told.
//
// What a batch takes is what its units cost, and what it takes whatever its size: a slow trigger FOR EACH STATEMENT, a disk or a
// processor that others keep busy. Smaller batches are of use against the first alone.
type Sizer struct {
	size, smallest, largest int
	recent                  []batch
}

// batch is how many units one had, and the time it took.
type batch struct {
	units int
	took  time.Duration
}

const (
	window       = 10
	maxGrowth    = 1.5 // at most, from one batch to the next
	overrun      = 5   // times what a batch may take: a tenth at once
	minUnitShare = 8   // an eighth of the target is for the units, whatever else a batch takes
	minSizeRatio = 1.5 // between the sizes of two batches that are compared
	minPairs     = 8   // so many pairs of batches tell what a unit costs
)

// Tenths of the last batches.
const fastTenths, medianTenths, slowTenths = 3, 5, 9

// NewServo begins with batches of first units and keeps them from floor to ceiling.
func NewSizer(first, smallest, largest int) *Sizer {
	s := &Sizer{smallest: smallest, largest: max(largest, smallest)}
	s.resize(first)
	return s
}

// Size is how many units the next batch is to have.
func (s *Sizer) Size() int { return s.size }

// Note tells of a batch of so many units and the time it took. The next is sized so that nine of ten
// like the last ones would have kept to the target.
func (s *Sizer) Record(units int, took, target time.Duration) {
	if units <= 0 {
		return
	}
	now := batch{units, took}
	s.recent = append(s.recent, now)
	if len(s.recent) > window {
		s.recent = s.recent[1:]
	}
	s.resize(min(s.wantedSize(now, target), int(float64(s.size)*maxGrowth)+1))
}

// wanted is the size with which nine of ten batches keep to the target; but not one so small that the units are hardly anything of
// what a batch takes.
func (s *Sizer) wantedSize(now batch, target time.Duration) int {
	costs := s.costs()
	each, available, longest := quantile(costs, medianTenths), target/minUnitShare, target
	if slope, ok := s.slope(); ok {
		overhead := s.overhead(slope)
		each, available = slope, max(available, overhead/2) //nolint:mnd // half as much again
		longest = max(target, overhead+available)
	}
	if now.took > overrun*longest {
		return s.size / 10 //nolint:mnd // as Split does
	}
	fits := max(s.unitsWithin(target, quantile(costs, slowTenths)), s.unitsWithin(available, each))
	if fits > s.size && now.units < s.size {
		return s.size // a smaller one than was asked for says nothing about larger ones
	}
	return fits
}

// fitting is how many units that cost so many nanoseconds each fit into a time, up to the ceiling.
func (s *Sizer) unitsWithin(available time.Duration, each float64) int {
	return int(min(float64(available)/max(each, 1), float64(s.largest)))
}

// costs are what a unit cost in each of the last batches, in nanoseconds, if units were all that they spent time on.
func (s *Sizer) costs() []float64 {
	costs := make([]float64, len(s.recent))
	for i, one := range s.recent {
		costs[i] = float64(one.took) / float64(one.units)
	}
	return costs
}

// slope is what a unit costs in nanoseconds by the last batches of different sizes: the median of what any two of them tell, so
// that some which stood still do not matter (the Theil-Sen estimator). It is not known where all were of about one size.
func (s *Sizer) slope() (each float64, known bool) {
	var costs []float64
	for i, one := range s.recent {
		for _, other := range s.recent[:i] {
			less, more := min(one.units, other.units), max(one.units, other.units)
			if float64(more) > minSizeRatio*float64(less) {
				costs = append(costs, float64(one.took-other.took)/float64(one.units-other.units))
			}
		}
	}
	if len(costs) < minPairs {
		return 0, false
	}
	return max(quantile(costs, medianTenths), 0), true
}

// idle is what the last batches took whatever their size, by the quicker ones: not each that stood still once takes it always.
func (s *Sizer) overhead(each float64) time.Duration {
	rests := make([]time.Duration, len(s.recent))
	for i, one := range s.recent {
		rests[i] = max(one.took-time.Duration(each*float64(one.units)), 0)
	}
	return quantile(rests, fastTenths)
}

// quantile is the value that so many tenths of them do not exceed. It sorts them.
func quantile[T cmp.Ordered](values []T, tenths int) T {
	slices.Sort(values)
	return values[(len(values)*tenths+9)/10-1]
}

// Split answers to a batch that was far too slow, or was cut short by a timeout: the next has a tenth.
func (s *Sizer) Shrink() { s.resize(s.size / 10) }

// Least reports whether batches cannot get smaller.
func (s *Sizer) AtMinimum() bool { return s.size == s.smallest }

func (s *Sizer) resize(size int) { s.size = min(max(size, s.smallest), s.largest) }

// Cut halves the size: a batch would have held more than it may.
func (s *Sizer) Halve() { s.resize(s.size / 2) }
