package pace_test

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

func TestMedianOfBatches(t *testing.T) {
	p := pace.New(pace.Full, time.Second)
	for _, ms := range []int{9, 1, 5} {
		p.Rest(time.Duration(ms) * time.Millisecond)
	}
	if got := p.TakeMedian(); got != 5*time.Millisecond {
		t.Errorf("got %s", got)
	}
	if got := p.TakeMedian(); got != 0 {
		t.Errorf("again: %s", got)
	}
	for n := range 1000 {
		p.Rest(time.Duration(n) * time.Millisecond)
	}
	if got := p.TakeMedian(); got < 800*time.Millisecond {
		t.Errorf("of the last batches: %s", got)
	}
}
