package throttle

import "time"

// history records which value a growing counter had at which time, and so converts an earlier value to an age.
type history struct {
	samples  []sample
	interval time.Duration // minimum between two samples; it grows with the recorded time
}

type sample struct {
	time  time.Time
	value int64
}

// maxSamples bounds the memory. An age is too short by at most a thousandth of the recorded time.
const maxSamples = 2000

func (t *history) add(at time.Time, value int64) {
	n := len(t.samples)
	switch {
	case n > 0 && t.samples[n-1].value == value:
		return // the first time of a value counts
	case n > 1 && t.samples[n-1].time.Sub(t.samples[n-2].time) < t.interval:
		t.samples[n-1] = sample{at, value}
	default:
		t.samples = append(t.samples, sample{at, value})
	}
	if len(t.samples) > maxSamples {
		t.thin()
	}
}

func (t *history) thin() {
	first, last := t.samples[0], t.samples[len(t.samples)-1]
	t.interval = last.time.Sub(first.time) / (maxSamples / 2)
	kept := t.samples[:1]
	for _, m := range t.samples[1:] {
		if m.time.Sub(kept[len(kept)-1].time) >= t.interval {
			kept = append(kept, m)
		}
	}
	if kept[len(kept)-1] != last {
		kept = append(kept, last)
	}
	t.samples = kept
}

// age returns how long ago the counter was first seen above position, 0 if it is not above it.
func (t *history) age(position int64, now time.Time) time.Duration {
	for _, m := range t.samples {
		if m.value > position {
			return now.Sub(m.time)
		}
	}
	return 0
}
