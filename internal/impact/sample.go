// Package impact decides how hard a run works from what its probe measures: how long a commit and a read of the application
// take now, and how long they take while the run rests. It reads no clock and no server.
package impact

import (
	"slices"
	"time"
)

// Kind is what a sample measures.
type Kind int

// The kinds of samples.
const (
	Commit Kind = iota // of a tiny write
	Read               // of one row of the table in work
	kinds
)

// Sample is one measurement of the probe.
type Sample struct {
	At      time.Time // when it began
	Kind    Kind
	Took    time.Duration
	Resting bool // no transaction of the run was running
	Pending bool // it has not ended yet, and Took is its duration so far
}

// Percentile is the share of samples that the limit of the impact is about.
const Percentile = 0.95

// percentile returns the smallest value that a share of the values does not exceed, 0 without values. It sorts them.
func percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	rank := int(share*float64(len(values)) + 1 - 1e-9)
	return values[min(max(rank, 1), len(values))-1]
}
