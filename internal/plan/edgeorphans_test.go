package plan

import "testing"

// An edge with orphans stops at filled, whatever exists of what comes after.
func TestOrphansStopAtFilled(t *testing.T) {
	for before, want := range map[EdgeState]EdgeState{
		EdgeNone: EdgeNone, EdgeWired: EdgeWired, EdgeFilled: EdgeFilled, EdgeMirrored: EdgeFilled, EdgeLinked: EdgeFilled,
	} {
		l := Link{Progress: before}
		if l.stopAtFilled(); l.Progress != want {
			t.Errorf("%s: %s, want %s", before, l.Progress, want)
		}
	}
}
