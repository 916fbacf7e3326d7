package report

import (
	"math"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// maxSamples is the largest number of samples in a document.
const maxSamples = 1000

// reduce returns at most n samples: of each interval the largest of each value, at the end of the interval. Samples of the same
// second are joined.
func reduce(raw []Sample, n int) []Sample {
	if len(raw) == 0 {
		return []Sample{}
	}
	first, last := raw[0].At, raw[len(raw)-1].At
	width := max(time.Second, (last.Sub(first)/time.Duration(n) + time.Second).Truncate(time.Second))
	samples := []Sample{}
	slot := time.Duration(-1)
	for _, s := range raw {
		if i := s.At.Sub(first) / width; i != slot || len(samples) == 0 {
			slot = i
			samples = append(samples, Sample{})
		}
		samples[len(samples)-1].join(s)
	}
	return samples
}

// join keeps the larger value of each field, and the later time.
func (s *Sample) join(one Sample) {
	s.At = one.At
	s.Rows, s.Ratio, s.WAL = math.Max(s.Rows, one.Rows), math.Max(s.Ratio, one.Ratio), math.Max(s.WAL, one.WAL)
	s.Commit, s.Read, s.Lag, s.Batch = max(s.Commit, one.Commit), max(s.Read, one.Read), max(s.Lag, one.Lag), max(s.Batch, one.Batch)
	s.Waiting = max(s.Waiting, one.Waiting)
}

// impacts collects the samples of the impact.
type impacts struct {
	ratios                             []float64
	commit, commitIdle, read, readIdle []time.Duration
	found                              Impact
}

func (i *impacts) add(e event.Impact, at time.Time) {
	if e.Limit > 0 {
		i.found.Limit = e.Limit
	}
	i.ratios = append(i.ratios, e.Ratio)
	if e.Limit > 0 && e.Ratio > e.Limit {
		i.found.Above++
	}
	if e.Ratio > i.found.Highest {
		i.found.Highest, i.found.HighestAt, i.found.HighestCause = e.Ratio, at, e.Cause
	}
	for _, one := range []struct {
		list  *[]time.Duration
		value time.Duration
	}{{&i.commit, e.Commit}, {&i.commitIdle, e.CommitIdle}, {&i.read, e.Read}, {&i.readIdle, e.ReadIdle}} {
		if one.value > 0 {
			*one.list = append(*one.list, one.value)
		}
	}
}

// sum returns the summary, or nil without samples.
func (i *impacts) sum() *Impact {
	if len(i.ratios) == 0 {
		return nil
	}
	found := i.found
	found.Samples = len(i.ratios)
	found.Median, found.P95 = share(i.ratios, 0.5), share(i.ratios, 0.95)
	found.Commit, found.CommitIdle = share(i.commit, 0.5), share(i.commitIdle, 0.5)
	found.Read, found.ReadIdle = share(i.read, 0.5), share(i.readIdle, 0.5)
	return &found
}

// share returns the value that a share of the values does not exceed, 0 of no values.
func share[N float64 | time.Duration](values []N, part float64) N {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(math.Ceil(part*float64(len(sorted))))-1)]
}
