package impact

import (
	"testing"
	"time"
)

// TestWorkHasAMinimum checks that no impact stops a run: if every sample is over the limit for a minute, with the rests that show that the
// run is the reason, the work is a fiftieth, and from there it grows again.
func TestWorkHasAMinimum(t *testing.T) {
	const minimum = 0.02
	goal := Goal{Limit: 1.5, Workers: 2, Longest: 50 * millisecond, Large: true}
	c, at := measured(goal)
	play := func(took time.Duration, seconds int) (least float64) {
		least = c.Work()
		for range seconds * 40 {
			at = at.Add(25 * millisecond)
			set := c.Next(at, goal)
			if least = min(least, c.Work()); set.Duty <= 0 || set.Workers < 1 || set.BatchTime <= 0 {
				t.Fatalf("the run does nothing: %+v", set)
			}
			if set.Rest {
				c.Record(Sample{At: at, Kind: Commit, Took: millisecond, Resting: true}, goal)
				continue
			}
			for k := range kinds {
				c.Record(Sample{At: at, Kind: k, Took: took}, goal)
			}
		}
		return least
	}
	if least := play(time.Second, 60); least != minimum || c.Work() > 2*minimum {
		t.Errorf("the work was at least %g and is %g", least, c.Work())
	}
	if play(millisecond, 60); c.Work() < 1 {
		t.Errorf("afterwards the work is %g", c.Work())
	}
}

// TestForgottenKind checks that a kind that is not measured any more, since the next table's rows are not read, holds nothing back.
func TestForgottenKind(t *testing.T) {
	goal := Goal{Limit: 1.5, Workers: 2, Longest: 50 * millisecond, Large: true}
	c, at := measured(goal)
	play := func(read time.Duration, seconds int) {
		for range seconds * 40 {
			at = at.Add(25 * millisecond)
			resting := c.Next(at, goal).Rest
			c.Record(Sample{At: at, Kind: Commit, Took: millisecond, Resting: resting}, goal)
			switch {
			case read == 0:
			case resting:
				c.Record(Sample{At: at, Kind: Read, Took: millisecond, Resting: true}, goal)
			default:
				c.Record(Sample{At: at, Kind: Read, Took: read}, goal)
			}
		}
	}
	play(time.Second, 10)
	slow := c.Work()
	c.Forget(Read)
	play(0, 30)
	if work := c.Work(); slow > 0.1 || work < 1 {
		t.Errorf("the work was %g with slow reads and is %g without", slow, work)
	}
	if r := c.Reading(at); r.Idle[Read] != 0 || r.Worst != Commit {
		t.Errorf("%+v", r)
	}
}
