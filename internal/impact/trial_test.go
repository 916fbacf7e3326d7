package impact

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPausesForAReason checks that a run hardly pauses where as many samples are over the limit with pauses as without, and that it does where
// pauses help, or where very many are over it.
func TestPausesForAReason(t *testing.T) {
	for _, test := range []struct {
		name   string
		share  func(work float64) float64 // of the commits over the limit
		pauses bool
	}{
		{"few at any work", func(float64) float64 { return 0.02 }, false},
		{"some at any work", func(float64) float64 { return 0.07 }, false},
		{"some, and less with pauses", func(work float64) float64 { return 0.2 * min(work/pausing, 1) }, true},
		{"many at any work", func(float64) float64 { return 0.4 }, true},
	} {
		little, all := 0, 0
		for seed := range uint64(10) {
			random := rand.New(rand.NewPCG(seed, 1))
			goal := Goal{Limit: 1.5, Workers: 1, Longest: 50 * millisecond}
			c, at := measured(goal)
			for i := range 120 * 60 { // two minutes of sixty samples
				at = at.Add(time.Second / 60)
				set := c.Next(at, goal)
				s := Sample{At: at, Kind: Kind(i % 2), Took: millisecond / 2, Resting: set.Rest}
				if s.Kind == Commit && !set.Rest && random.Float64() < test.share(c.Work()) {
					s.Took = 2 * millisecond
				}
				if c.Record(s, goal); i > 30*60 {
					if all++; c.Work() >= muchPaused {
						little++
					}
				}
			}
		}
		const most = 0.6 // 0.54 without the time after a trial, 0.13 without trials
		if share := float64(little) / float64(all); (share < most) != test.pauses {
			t.Errorf("%s over the limit: little paused for %.2f of the time", test.name, share)
		}
	}
}

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
