package main

import (
	"testing"
	"time"
)

func TestBursts(t *testing.T) {
	for _, c := range []struct {
		since, until time.Duration
		inside       bool
	}{
		{0, 2 * time.Second, false},
		{2 * time.Second, 0, true},
		{3999 * time.Millisecond, 0, true},
		{4 * time.Second, 8 * time.Second, false},
		{12 * time.Second, 0, true},
		{14500 * time.Millisecond, 7500 * time.Millisecond, false},
	} {
		if got := untilBurst(c.since); got != c.until || inBurst(c.since) != c.inside {
			t.Errorf("at %s: %s to the next burst, inside %v", c.since, got, inBurst(c.since))
		}
	}
}

// A statement belongs to the phase that ran when it was due, however late it ended.
func TestPhases(t *testing.T) {
	begun := time.Unix(1000, 0)
	at := func(s float64) time.Time { return begun.Add(time.Duration(s * float64(time.Second))) }
	waits := []wait{{at(1.5), 2 * time.Second, true}, {at(-1), time.Hour, true}, {at(0.5), time.Millisecond, false}, {at(2.5), time.Minute, true}, {at(9), time.Hour, true}}
	got := byPhase(waits, begun, []mark{{"add", at(1)}, {"fill", at(2)}, {"add", at(4)}})
	if len(got) != 2 || got[0].Name != "add" || got[0].Statements != 2 || got[0].Longest != time.Minute || got[0].Lasted != 3*time.Second {
		t.Errorf("%+v", got)
	}
	if len(got) == 2 && (got[1].Name != "fill" || got[1].Statements != 1 || got[1].P99 != 2*time.Second || got[1].Lasted != time.Second) {
		t.Errorf("%+v", got[1])
	}
}
