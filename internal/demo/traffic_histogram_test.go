package demo

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A quantile is never less than the true one, at most a sixteenth greater, and never above the longest.
func TestQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 200).Draw(t, "values")
		var h histogram
		for _, v := range values {
			h.add(time.Duration(v))
		}
		slices.Sort(values)
		if longest := time.Duration(values[len(values)-1]); h.longest != longest || h.quantile(1) != longest {
			t.Fatalf("longest %d, quantile(1) %d, want %d", h.longest, h.quantile(1), longest)
		}
		for _, part := range []float64{0.01, 0.5, 0.9, 0.99} {
			rank := int(part*float64(len(values)) + 0.999999)
			exact := time.Duration(values[max(rank, 1)-1])
			if got := h.quantile(part); got < exact || got > exact+exact/16 {
				t.Fatalf("quantile %v is %d, exactly %d", part, got, exact)
			}
		}
	})
}

func TestQuantileOfNothing(t *testing.T) {
	var h histogram
	if got := h.quantile(0.99); got != 0 {
		t.Errorf("%s", got)
	}
	h.add(-time.Second) // a clock that was set back
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("%s", got)
	}
}
