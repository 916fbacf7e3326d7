package main

import (
	"math"
	"slices"
	"time"
)

// Application is what the application measured. A wait lasts from the time when a statement was due to its end. All
// waits are kept, so that the quantiles are exact.
type Application struct {
	Statements int           `json:"statements"`
	Failed     int64         `json:"failed"`
	Failure    string        `json:"failure,omitempty"` // the first error
	Median     time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	P999       time.Duration `json:"p999_ns"`
	Longest    time.Duration `json:"longest_ns"`
}

// figures computes the figures. All clients must have ended.
func (t *traffic) figures() *Application {
	a := &Application{}
	var waits []time.Duration
	for _, c := range t.clients {
		waits = append(waits, c.waits...)
		a.Failed += c.failed
		if c.first != nil && a.Failure == "" {
			a.Failure = c.first.Error()
		}
	}
	slices.Sort(waits)
	a.Statements = len(waits)
	a.Median, a.P99, a.P999 = quantile(waits, 0.5), quantile(waits, 0.99), quantile(waits, 0.999)
	a.Longest = quantile(waits, 1)
	return a
}

// quantile returns the least value that the given part of all values, from 0 to 1, does not exceed, or 0 if there are
// no values.
func quantile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(part * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
