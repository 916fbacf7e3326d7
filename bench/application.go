package main

import (
	"math"
	"slices"
	"time"
)

// Application is what the application met. Waits are from when a statement was due to its end. Every one
// of them is kept, so that the quantiles are exact.
type Application struct {
	Statements int           `json:"statements"`
	Failed     int64         `json:"failed"`
	Failure    string        `json:"failure,omitempty"` // the first
	Median     time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	P999       time.Duration `json:"p999_ns"`
	Longest    time.Duration `json:"longest_ns"`
}

// figures are read when all clients have ended.
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

// quantile gives the least value that the part of all, from 0 to 1, does not exceed; 0 if there is none.
func quantile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(part * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
