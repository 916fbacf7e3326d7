package history

import (
	"time"

	"github.com/rekey-pg/rekey/event"
)

// Done returns the number of rows that were filled.
func (s State) Done() int64 {
	var rows int64
	for _, list := range [][]Table{s.Work, s.Finished} {
		for _, t := range list {
			rows += t.Done
		}
	}
	return rows
}

// Total returns the estimated number of rows that the run fills. Started tables count with their current number, the
// others with the estimate.
func (s State) Total() int64 {
	rest, known := s.Rows, int64(0)
	for _, list := range [][]Table{s.Work, s.Finished} {
		for _, t := range list {
			rest -= t.Estimate
			known += t.Total
		}
	}
	return known + max(rest, 0)
}

// Parts returns the number of tables, references and primary keys that have something to do.
func (s State) Parts() int { return s.Tables + s.Edges + s.Keys }

// Percent returns the progress of the run by rows, or by tables if there are no rows to fill. It is below 100 until
// every table is finished.
func (s State) Percent() int {
	value := Percent(s.Done(), s.Total())
	if s.Total() <= 0 {
		value = Percent(int64(len(s.Finished)), int64(s.Parts()))
	}
	if len(s.Work) > 0 || len(s.Finished) < s.Parts() {
		value = min(value, 99)
	}
	return value
}

// Rate returns the number of rows that are filled per second.
func (s State) Rate() float64 {
	var rate float64
	for _, t := range s.Work {
		if t.Done < t.Total {
			rate += t.Rate
		}
	}
	return rate
}

// Left returns the estimated remaining time, 0 if it is unknown.
func (s State) Left() time.Duration {
	rate := s.Rate()
	if rate <= 0 {
		return 0
	}
	return time.Duration(float64(s.Total()-s.Done()) / rate * float64(time.Second))
}

// Percent returns a number from 0 to 100, rounded down. It is 100 if the total is 0.
func Percent(done, total int64) int {
	if total <= 0 || done >= total {
		return 100
	}
	return int(float64(max(done, 0)) / float64(total) * 100)
}

// ExclusiveLocks sums up the ACCESS EXCLUSIVE locks so far.
func (s State) ExclusiveLocks() event.Locks {
	var sum event.Locks
	for _, l := range s.Locks {
		n := len(l.Exclusive())
		if n == 0 {
			continue
		}
		sum.Count, sum.Attempts, sum.TotalHold = sum.Count+n, sum.Attempts+l.Attempts, sum.TotalHold+l.Hold
		sum.LongestWait, sum.LongestHold = max(sum.LongestWait, l.Wait), max(sum.LongestHold, l.Hold)
	}
	return sum
}
