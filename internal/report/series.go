package report

import (
	"math"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// impacts collects the samples of the impact.
type impacts struct {
	ratios                             []float64
	commit, commitIdle, read, readIdle []time.Duration
	found                              Impact
}

func (i *impacts) add(e event.Impact, at time.Time) {
	if e.Ratio <= 0 { // nothing is measured yet
		return
	}
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

// The measurements of a sample as numbers, 0 if they were not made.

func (s Sample) impact() event.Impact {
	if s.Impact == nil || s.Impact.Ratio <= 0 { // nothing is measured yet
		return event.Impact{}
	}
	return *s.Impact
}

func (s Sample) load() event.Load {
	if s.Load == nil {
		return event.Load{}
	}
	return *s.Load
}

func (s Sample) ratio() float64   { return s.impact().Ratio }
func (s Sample) commit() float64  { return float64(s.impact().Commit) }
func (s Sample) read() float64    { return float64(s.impact().Read) }
func (s Sample) rate() float64    { return s.Rate }
func (s Sample) wal() float64     { return s.load().WAL }
func (s Sample) batch() float64   { return float64(s.load().Batch) }
func (s Sample) lag() float64     { return float64(s.load().Lag) }
func (s Sample) waiting() float64 { return float64(s.load().Waiting) }
