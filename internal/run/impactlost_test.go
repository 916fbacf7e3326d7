package run

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/probe"
)

// TestProbeThatFallsSilent checks that a run whose probe returns no more samples keeps the fixed pace until there are some again, that
// it says both once, and that a pause is no silence.
func TestProbeThatFallsSilent(t *testing.T) {
	p := pace.New(pace.Normal, 0)
	var notices []string
	l := newImpactLoop(p, func(e event.Event) {
		if n, ok := e.(event.Notice); ok {
			notices = append(notices, n.Text)
		}
	})
	now := time.Now()
	l.probe, l.table, l.sampled = &probe.Probe{}, "app.t", now
	l.startFlusher = func() *probe.Flusher {
		t.Error("the flusher takes a connection before the probe has one")
		return &probe.Flusher{}
	}
	at := func(after time.Duration, lost bool) {
		t.Helper()
		l.apply(now.Add(after))
		l.apply(now.Add(after))
		if l.lost != lost || lost != (p.Setting().BatchTime == pace.Normal.Fixed().BatchTime) {
			t.Errorf("after %s: %v, %+v", after, l.lost, p.Setting())
		}
	}
	at(silence, false)
	p.Pause("pause", "asked")
	at(time.Hour, false)
	if l.wanted() {
		t.Error("the probe measures during a pause")
	}
	p.Resume("pause")
	at(time.Hour+silence, false)
	at(2*time.Hour, true)
	l.sampled = now.Add(2 * time.Hour)
	at(2*time.Hour+time.Second, false)
	if len(notices) != 2 || !strings.Contains(notices[0], "fixed pace normal") || !strings.Contains(notices[1], "again") {
		t.Errorf("%q", notices)
	}
}
