package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

func TestImpactText(t *testing.T) {
	const us = time.Microsecond
	for want, e := range map[string]event.Impact{
		"":               {},
		"commits 1.1 ms": {Commit: 1100 * us},
		"commits 1.1 ms (idle 0.9), reads 0.3 ms (0.2), limit 1.5x":        {Commit: 1100 * us, CommitIdle: 900 * us, Read: 300 * us, ReadIdle: 200 * us, Limit: 1.5},
		"impact 1.2x (limit 1.5x): commits 1.1 ms (idle 0.9)":              {Commit: 1100 * us, CommitIdle: 900 * us, Ratio: 1.22, Limit: 1.5},
		"impact 1.2x: commits 1.1 ms":                                      {Commit: 1100 * us, Ratio: 1.22},
		"commits 31 ms (idle 12), reads 0.3 ms (0.2), during a checkpoint": {Commit: 31_000 * us, CommitIdle: 12_000 * us, Read: 300 * us, ReadIdle: 200 * us, Cause: "checkpoint"},
	} {
		if got := impactText(e); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestImpactIsShown checks the line of the frame, at each width, and the plain line.
func TestImpactIsShown(t *testing.T) {
	at := time.Unix(0, 0)
	impact := event.Impact{Table: "app.t", Commit: 1100 * time.Microsecond, CommitIdle: 900 * time.Microsecond, Limit: 1.5}
	var p Plain
	var lines []string
	for _, e := range []event.Event{event.RunStarted{Schema: "app", Tables: 2}, event.TableStarted{Table: "app.t", Rows: 10}, impact, impact} {
		var more []string
		p, more = p.Next(e, at)
		lines = append(lines, more...)
	}
	if text := strings.Join(lines, "\n"); strings.Count(text, "app.t: commits 1.1 ms (idle 0.9)") != 1 {
		t.Errorf("the lines are\n%s", text)
	}
	for _, width := range []int{60, 80, 120, 200} {
		if line := Draw(p.State, time.Unix(0, 0)).Impact.Line(width); !strings.Contains(line, "commits 1.1 ms (idle 0.9), limit 1.5x") || columns(line) > width {
			t.Errorf("at %d columns: %q", width, line)
		}
	}
	if s := history.Fold(p.State, history.Entry{At: at, Event: event.TableDone{Table: "app.t"}}); s.Impact != nil {
		t.Error("the impact of a finished table is shown")
	}
}
