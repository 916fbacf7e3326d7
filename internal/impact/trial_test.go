package impact

import (
	"testing"
	"time"
)

// TestPausesAgain checks that a run that found pauses useless pauses again soon after nearly all samples are over the limit, and not because of as many
// as a trial allows.
func TestPausesAgain(t *testing.T) {
	goal := Goal{Limit: 1.5, Workers: 2, Longest: 50 * millisecond}
	for _, test := range []struct {
		every  int // of the samples one is over the limit
		pauses bool
	}{{1, true}, {2, true}, {12, false}, {1000, false}} {
		c, at := measured(goal)
		c.trials.useless = at.Add(longestHold)
		for i := range 100 {
			at = at.Add(25 * millisecond)
			c.rests.overs = nil // or it would rest
			c.Next(at, goal)
			s := Sample{At: at, Kind: Commit, Took: millisecond}
			if i%test.every == test.every-1 {
				s.Took = time.Second
			}
			c.Record(s, goal)
		}
		set := c.Next(at.Add(millisecond), goal)
		if pauses := set.Duty < 1 && set.Workers == 1; pauses != test.pauses {
			t.Errorf("one in %d samples over the limit: %+v, work %.2f", test.every, set, c.Work())
		}
	}
}
