package run

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/impact"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/probe"
)

// TestReasonOfASlowRun checks that a run that the impact slows down says so once, with the figures and the other cause, and that it
// says the end once.
func TestReasonOfASlowRun(t *testing.T) {
	for _, kind := range []impact.Kind{impact.Commit, impact.Read} {
		p := pace.New(pace.Normal, 0)
		var reasons []string
		l := newImpactLoop(p, func(e event.Event) {
			if throttled, ok := e.(event.Throttled); ok {
				reasons = append(reasons, throttled.Reason)
			}
		})
		l.probe, l.table, l.large, l.cause = &probe.Probe{}, "app.t", true, impact.Autovacuum
		now := time.Now()
		play := func(took time.Duration, seconds int) {
			for range seconds * 40 {
				now = now.Add(25 * time.Millisecond)
				l.sampled = now
				l.apply(now)
				for k := range impact.Kind(2) {
					s := impact.Sample{At: now, Kind: k, Took: time.Millisecond, Resting: p.Setting().Rest}
					if k == kind && !s.Resting {
						s.Took = took
					}
					l.controller.Record(s, l.goal())
				}
				l.emitImpact(now)
			}
		}
		play(time.Millisecond, 5)
		if len(reasons) > 0 {
			t.Errorf("%v: reasons without an impact: %q", kind, reasons)
		}
		play(20*time.Millisecond, 20)
		what := map[impact.Kind]string{impact.Commit: "commits take ", impact.Read: "reads take "}[kind]
		if len(reasons) != 1 || !strings.HasPrefix(reasons[0], what) || !strings.HasSuffix(reasons[0], " times as long as at rest (limit 1.5); an autovacuum of the table is running") {
			t.Fatalf("%v: %q", kind, reasons)
		}
		if play(time.Millisecond, 60); len(reasons) != 2 || reasons[1] != "" {
			t.Errorf("%v: the end is not reported once: %q", kind, reasons)
		}
	}
}
