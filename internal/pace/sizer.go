package pace

import (
	"cmp"
	"slices"
	"time"
)

// Sizer chooses the size of the next batch from the durations of the last ones. It is not safe for concurrent use.
//
// A batch takes a time for each unit, and an overhead that does not depend on its size: a slow trigger FOR EACH STATEMENT,
// or a disk or processor that others keep busy. Smaller batches help against the former only.
type Sizer struct {
	size, smallest, largest int
	recent                  []batch
}

// batch is the size and duration of a batch.
type batch struct {
	units int
	took  time.Duration
}

const (
	window       = 10
	maxGrowth    = 1.5 // from one batch to the next
	overrun      = 5   // a batch that takes this many times what it may cuts the size to a tenth at once
	minUnitShare = 8   // units get at least an eighth of the target, with any overhead
	minSizeRatio = 1.5 // between the sizes of two batches that slope compares
	minPairs     = 8   // pairs of batches from which slope estimates
)

// Quantiles of the last batches, in tenths.
const fastTenths, medianTenths, slowTenths = 3, 5, 9

// NewSizer returns a Sizer whose first batch has first units and whose batches have from smallest to largest units.
func NewSizer(first, smallest, largest int) *Sizer {
	s := &Sizer{smallest: smallest, largest: max(largest, smallest)}
	s.resize(first)
	return s
}

// Size returns the size of the next batch in units.
func (s *Sizer) Size() int { return s.size }

// Record adds a finished batch and resizes the next one, such that nine of ten batches like the last ones would keep to
// the target.
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

// wantedSize returns the size with which nine of ten batches keep to the target, but not one so small that a batch spends
// hardly any time on its units.
func (s *Sizer) wantedSize(now batch, target time.Duration) int {
	costs := s.costs()
	each, available, longest := quantile(costs, medianTenths), target/minUnitShare, target
	if slope, ok := s.slope(); ok {
		overhead := s.overhead(slope)
		each, available = slope, max(available, overhead/2) //nolint:mnd // half the overhead
		longest = max(target, overhead+available)
	}
	if now.took > overrun*longest {
		return s.size / 10 //nolint:mnd // as Shrink does
	}
	fits := max(s.unitsWithin(target, quantile(costs, slowTenths)), s.unitsWithin(available, each))
	if fits > s.size && now.units < s.size {
		return s.size // a batch that was smaller than requested says nothing about larger ones
	}
	return fits
}

// unitsWithin returns how many units, each taking so many nanoseconds, fit into a time, up to the largest size.
func (s *Sizer) unitsWithin(available time.Duration, each float64) int {
	return int(min(float64(available)/max(each, 1), float64(s.largest)))
}

// costs returns the nanoseconds per unit of each of the last batches, as if there were no overhead.
func (s *Sizer) costs() []float64 {
	costs := make([]float64, len(s.recent))
	for i, one := range s.recent {
		costs[i] = float64(one.took) / float64(one.units)
	}
	return costs
}

// slope estimates the nanoseconds of one unit from the last batches of different sizes, by the Theil-Sen estimator: the
// median over all pairs, which tolerates a few stalled batches. It is unknown if all batches had about the same size.
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

// overhead estimates the time of a batch that does not depend on its size, from the faster of the last batches: a single
// stall is not an overhead.
func (s *Sizer) overhead(each float64) time.Duration {
	rests := make([]time.Duration, len(s.recent))
	for i, one := range s.recent {
		rests[i] = max(one.took-time.Duration(each*float64(one.units)), 0)
	}
	return quantile(rests, fastTenths)
}

// quantile returns the value that so many tenths of the values do not exceed. It sorts them.
func quantile[T cmp.Ordered](values []T, tenths int) T {
	slices.Sort(values)
	return values[(len(values)*tenths+9)/10-1]
}

// Shrink cuts the size to a tenth, after a batch that was far too slow or that a timeout ended.
func (s *Sizer) Shrink() { s.resize(s.size / 10) }

// AtMinimum reports whether batches have the smallest size.
func (s *Sizer) AtMinimum() bool { return s.size == s.smallest }

func (s *Sizer) resize(size int) { s.size = min(max(size, s.smallest), s.largest) }

// Halve halves the size, after a batch that reached its limit of rows.
func (s *Sizer) Halve() { s.resize(s.size / 2) }
