package throttle

import "time"

// trail remembers how far a counter had come at which time, so that a position behind it can be told
// as a time.
type trail struct {
	marks  []mark
	stride time.Duration // between two marks, at least; it grows with what the trail spans
}

type mark struct {
	at    time.Time
	value int64
}

// mostMarks bounds the memory; a time is then told no more than a thousandth of the span too short.
const mostMarks = 2000

func (t *trail) add(at time.Time, value int64) {
	n := len(t.marks)
	switch {
	case n > 0 && t.marks[n-1].value == value:
		return // the first time at which it had come so far is what counts
	case n > 1 && t.marks[n-1].at.Sub(t.marks[n-2].at) < t.stride:
		t.marks[n-1] = mark{at, value}
	default:
		t.marks = append(t.marks, mark{at, value})
	}
	if len(t.marks) > mostMarks {
		t.thin()
	}
}

func (t *trail) thin() {
	first, last := t.marks[0], t.marks[len(t.marks)-1]
	t.stride = last.at.Sub(first.at) / (mostMarks / 2)
	kept := t.marks[:1]
	for _, m := range t.marks[1:] {
		if m.at.Sub(kept[len(kept)-1].at) >= t.stride {
			kept = append(kept, m)
		}
	}
	if kept[len(kept)-1] != last {
		kept = append(kept, last)
	}
	t.marks = kept
}

// behind is how long ago the counter first stood beyond the position, as far as that was seen; 0 when
// it does not.
func (t *trail) behind(position int64, now time.Time) time.Duration {
	for _, m := range t.marks {
		if m.value > position {
			return now.Sub(m.at)
		}
	}
	return 0
}
