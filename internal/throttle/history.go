package throttle

import "time"

// trail remembers how far a counter had come at which time, so that a position behind it can be told
// as a time.
type history struct {
	samples  []sample
	interval time.Duration // between two marks, at least; it grows with what the trail spans
}

type sample struct {
	time  time.Time
	value int64
}

// mostMarks bounds the memory; a time is then told no more than a thousandth of the span too short.
const maxSamples = 2000

func (t *history) add(at time.Time, value int64) {
	n := len(t.samples)
	switch {
	case n > 0 && t.samples[n-1].value == value:
		return // the first time at which it had come so far is what counts
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

// behind is how long ago the counter first stood beyond the position, as far as that was seen; 0 when
// it does not.
func (t *history) age(position int64, now time.Time) time.Duration {
	for _, m := range t.samples {
		if m.value > position {
			return now.Sub(m.time)
		}
	}
	return 0
}
