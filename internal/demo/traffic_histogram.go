package demo

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets of a sixteenth of their power of two, so that its size is constant. A
// quantile is at most a sixteenth too great; the longest duration is exact.
type histogram struct {
	buckets [64 * 16]int64
	count   int64
	longest time.Duration
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucket(uint64(d))]++
	h.count++
	h.longest = max(h.longest, d)
}

func bucket(n uint64) int {
	if n < 16 {
		return int(n)
	}
	power := bits.Len64(n) - 5 // the bits below the five highest, the first of them always set
	return (power+1)*16 + int(n>>power)&15
}

// upper is the greatest value of a bucket.
func upper(b int) time.Duration {
	if b < 16 {
		return time.Duration(b)
	}
	power := b/16 - 1
	return time.Duration((uint64(16+b%16)+1)<<power - 1)
}

// quantile returns the value that the given part of all durations, from 0 to 1, does not exceed, or 0 if there are no
// durations.
func (h *histogram) quantile(part float64) time.Duration {
	want := max(int64(part*float64(h.count)+0.999999), 1)
	for b, n := range h.buckets {
		if want -= n; want <= 0 && n > 0 {
			return min(upper(b), h.longest)
		}
	}
	return h.longest
}
