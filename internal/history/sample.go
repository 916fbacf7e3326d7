package history

import "time"

// A run of any duration has a bounded number of samples: the newest are kept, one a second. Older ones are kept one in each
// interval of a grid, which becomes coarser as the run goes on.
const (
	maxSamples = 1000 // after which the older ones are thinned
	newest     = 300  // that are never thinned
	maxOlder   = 450  // that thinning leaves at most
)

// sample changes the sample of a second. The sample of the current second is not among Samples yet.
func (s State) sample(at time.Time, set func(*Sample)) State {
	if !s.current.At.Truncate(time.Second).Equal(at.Truncate(time.Second)) {
		s = s.endSample()
		s.current = Sample{Done: s.Done()}
	}
	s.current.At = at
	set(&s.current)
	return s
}

// endSample adds the sample of the current second to Samples.
func (s State) endSample() State {
	if s.current.At.IsZero() {
		return s
	}
	s.Samples = append(s.Samples, s.current)
	s.current = Sample{}
	if len(s.Samples) < maxSamples {
		return s
	}
	times := make([]time.Time, len(s.Samples))
	for i, one := range s.Samples {
		times[i] = one.At
	}
	keep, grid := Thin(times, s.grid)
	s.grid = grid
	kept := make([]Sample, 0, maxSamples)
	for i, one := range s.Samples {
		if keep[i] {
			kept = append(kept, one)
		}
	}
	s.Samples = kept
	return s
}

// Crowded reports whether a series of so many samples is to be thinned.
func Crowded(samples int) bool { return samples >= maxSamples }

// Thin returns which samples of a crowded series to keep, and the interval between two of the older ones. times are
// ascending; grid is the result of the last call for the series, 0 at first.
func Thin(times []time.Time, grid time.Duration) (keep []bool, next time.Duration) {
	older := max(0, len(times)-newest)
	for next = max(grid, 2*time.Second); ; next *= 2 {
		keep = make([]bool, len(times))
		kept := 0
		var last time.Time
		for i, at := range times {
			cell := at.Truncate(next)
			keep[i] = i == 0 || i >= older || !cell.Equal(last)
			if last = cell; keep[i] && i < older {
				kept++
			}
		}
		if kept <= maxOlder {
			return keep, next
		}
	}
}
