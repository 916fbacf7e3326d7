package impact

import (
	"math"
	"slices"
	"time"
)

const (
	// groupSize is the number of samples of a group. The median of the largest values of many groups is the value that half of the
	// groups do not exceed, hence a sample with probability 0.5^(1/12): their 94th percentile.
	groupSize = 12
	// groups is the number of groups that count. An unusual rest changes little, and five rests make a new baseline.
	groups = 9
	// sureGroups is the number of groups from at least two rests: a second worker needs more than one unusual rest.
	sureGroups = firstGroups + 1
)

// baseline estimates the 95th percentile of one kind of samples while the run rests.
type baseline struct {
	current []time.Duration // an incomplete group
	largest []time.Duration // of the last groups
	median  time.Duration   // of them
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
	sorted := slices.Sorted(slices.Values(b.largest))
	b.median = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2 //nolint:mnd // the two in the middle
}

// sure reports whether the estimate is of more than one rest.
func (b *baseline) sure() bool { return len(b.largest) >= sureGroups }

// over estimates the share of the samples at rest that take longer than a threshold, from the groups whose largest sample does. One
// such group may be an accident and does not count.
func (b *baseline) over(threshold time.Duration) float64 {
	slow := -1
	for _, largest := range b.largest {
		if largest > threshold {
			slow++
		}
	}
	if slow <= 0 {
		return 0
	}
	const most = 0.2
	return min(1-math.Pow(1-float64(slow)/float64(len(b.largest)), 1./groupSize), most)
}

// value returns the estimate, 0 before the first complete group.
func (b *baseline) value() time.Duration {
	if b.fresh && len(b.largest) > 0 {
		return max(b.median, b.largest[len(b.largest)-1])
	}
	return b.median
}

// The least durations to which the limit applies: shorter ones may wait as long as if it took as long. On an idle server the slow
// commits of two rests differ by half of the first. A read of a page in memory takes less time than the slice that the kernel's
// scheduler gives to another process, and an application waits for its commits at least as long as for its reads.
const (
	leastCommit = time.Millisecond
	leastRead   = 2 * time.Millisecond
)

// unit returns the duration that an impact of 1 is, for a kind of samples.
func (c *Controller) unit(k Kind) time.Duration {
	commit := max(c.base[Commit].value(), leastCommit)
	if k == Read {
		return max(c.base[Read].value(), commit, leastRead)
	}
	return commit
}

// threshold returns the duration above which a sample is over the limit, 0 without a baseline.
func (c *Controller) threshold(k Kind, limit float64) time.Duration {
	base := c.base[k].value()
	if base == 0 {
		return 0
	}
	return base + time.Duration((limit-1)*float64(c.unit(k)))
}

// ratio returns the impact of a duration, 0 without a baseline.
func (c *Controller) ratio(k Kind, took time.Duration) float64 {
	base := c.base[k].value()
	if base == 0 || took == 0 {
		return 0
	}
	return 1 + max(float64(took-base), 0)/float64(c.unit(k))
}

// Forget forgets a kind of samples that is not measured any more. Otherwise it would hold the work where its last sample left it.
func (c *Controller) Forget(k Kind) {
	c.base[k] = baseline{}
	c.level[k] = level{work: firstWork}
}
