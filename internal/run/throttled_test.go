package run

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
)

// TestReasonAfterPause checks that the reason of a slow run is reported again after a pause, whose end withdraws it.
func TestReasonAfterPause(t *testing.T) {
	p := pace.New(pace.Normal, 0)
	var reported []string
	l := newImpactLoop(p, func(e event.Event) { reported = append(reported, e.(event.Throttled).Reason) })
	for _, test := range []struct {
		reason string
		paused bool
		want   []string
	}{
		{"", false, nil},
		{"slow", false, []string{"slow"}},
		{"slower", false, nil},
		{"slower", true, nil},
		{"", true, nil},
		{"slow", true, nil},
		{"slow", false, []string{"slow"}},
		{"", false, []string{""}},
	} {
		if reported = nil; test.paused {
			p.Pause("request", "paused by a request")
		} else {
			p.Resume("request")
		}
		if l.report(test.reason); !slices.Equal(reported, test.want) {
			t.Errorf("%+v: %q", test, reported)
		}
	}
}
