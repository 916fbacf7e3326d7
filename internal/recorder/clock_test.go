package recorder

import (
	"testing"
	"time"
)

// TestClockSetBack checks that a clock that is set back by an hour neither stops the times of events nor takes them back.
func TestClockSetBack(t *testing.T) {
	day := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	var c clock
	for i, step := range []struct{ day, passed, want time.Duration }{
		{0, 0, 0},
		{2 * time.Second, 2 * time.Second, 2 * time.Second},
		{-time.Hour, 3 * time.Second, 3 * time.Second},
		{-time.Hour + 7*time.Second, 10 * time.Second, 10 * time.Second},
		{time.Hour, 11 * time.Second, time.Hour}, // set forward
	} {
		if got := c.next(day.Add(step.day), step.passed).Sub(day); got != step.want {
			t.Errorf("%d: got %s, want %s", i, got, step.want)
		}
	}
}
