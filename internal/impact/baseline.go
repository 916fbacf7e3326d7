package impact

import "time"

const (
	// groupSize is the number of samples of a group. The median of the largest values of many groups is the value that half of the
	// groups do not exceed, hence a sample with probability 0.5^(1/12): their 94th percentile.
	groupSize = 12
	// groups is the number of groups that count. An unusual rest changes little, and five rests make a new baseline.
	groups = 9
)

// baseline estimates the 95th percentile of one kind of samples while the run rests.
type baseline struct {
	current []time.Duration // an incomplete group
	largest []time.Duration // of the last groups
	fresh   bool            // the last group counts by itself: it was measured while the application waited
}

func (b *baseline) add(took time.Duration) {
	b.current = append(b.current, took)
	if len(b.current) < groupSize {
		return
	}
	b.largest = append(b.largest, percentile(b.current, 1))
	if len(b.largest) > groups {
		b.largest = b.largest[1:]
	}
	b.current = b.current[:0]
}

// value returns the estimate, 0 before the first complete group.
func (b *baseline) value() time.Duration {
	if len(b.largest) == 0 {
		return 0
	}
	median := percentile(append([]time.Duration(nil), b.largest...), 0.5) //nolint:mnd // the median
	if b.fresh {
		return max(median, b.largest[len(b.largest)-1])
	}
	return median
}

// threshold returns the duration above which a sample is over the limit, 0 without a baseline.
func (b *baseline) threshold(limit float64) time.Duration {
	base := b.value()
	if base == 0 {
		return 0
	}
	return max(time.Duration(limit*float64(base)), base+tolerance)
}

// tolerance is the difference that is never an impact: scheduling and the network make as much.
const tolerance = 250 * time.Microsecond
