package history

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// TestSamplesOfALongRunAreBounded folds a measurement for each second of ten hours.
func TestSamplesOfALongRunAreBounded(t *testing.T) {
	const seconds = 36_000
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := Fold(State{}, Entry{Seq: 1, At: begin, Event: event.RunStarted{Run: 1, Schema: "app", Tables: 1}})
	for i := range seconds {
		s = Fold(s, Entry{Seq: int64(i + 2), At: begin.Add(time.Duration(i) * time.Second), Event: event.Load{WAL: float64(i)}})
		if len(s.Samples) > maxSamples {
			t.Fatalf("%d samples after %d s", len(s.Samples), i)
		}
	}
	first, last := s.Samples[0].At, s.Samples[len(s.Samples)-1].At
	if !first.Equal(begin) || last.Before(begin.Add((seconds-2)*time.Second)) {
		t.Errorf("the samples are from %s to %s", first, last)
	}
	for i := len(s.Samples) - newest + 1; i < len(s.Samples); i++ {
		if gap := s.Samples[i].At.Sub(s.Samples[i-1].At); gap != time.Second {
			t.Fatalf("%s between two of the newest samples", gap)
		}
	}
}

// TestReasonsWithOtherFiguresContinue checks that a reason whose figures change is one reason.
func TestReasonsWithOtherFiguresContinue(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var s State
	for i, reason := range []string{"standby a lags 14s", "standby a lags 15s", "a slot retains 11 GB", ""} {
		s = Fold(s, Entry{At: begin.Add(time.Duration(i) * time.Second), Event: event.Throttled{Reason: reason, Paused: reason != ""}})
	}
	if len(s.Reasons) != 2 || s.Reasons[0].To.Sub(s.Reasons[0].From) != 2*time.Second || s.Slowdown() != "" {
		t.Errorf("the reasons are %+v", s.Reasons)
	}
}

// TestTablesAreFolded follows one table from its start to its end.
func TestTablesAreFolded(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var s State
	for _, e := range []event.Event{
		event.RunStarted{Run: 1, Schema: "app", Tables: 2, Rows: 100},
		event.TableStarted{Table: "app.t", Rows: 60},
		event.Progress{Table: "app.t", Done: 30, Total: 60, Rate: 10},
		event.Impact{Table: "app.t", Commit: time.Millisecond},
	} {
		s = Fold(s, Entry{At: at, Event: e})
	}
	if s.Percent() != 30 || s.Left() != 7*time.Second || s.Impact == nil {
		t.Errorf("%d %%, %s left, impact %v", s.Percent(), s.Left(), s.Impact)
	}
	for _, e := range []event.Event{event.Throttled{Reason: "standby lags", Paused: true}, event.Impact{Commit: 1}} {
		if paused := Fold(Fold(s, Entry{At: at, Event: event.Throttled{Reason: "standby lags", Paused: true}}), Entry{At: at, Event: e}); paused.Impact != nil {
			t.Errorf("an impact while paused, after %T", e)
		}
	}
	for after, shown := range map[time.Duration]bool{5 * time.Second: true, 6 * time.Second: false} {
		if later := Fold(s, Entry{At: at.Add(after), Event: event.Load{WAL: 1}}); (later.Impact != nil) != shown {
			t.Errorf("%s later: impact %v", after, later.Impact)
		}
	}
	s = Fold(s, Entry{At: at, Event: event.TableDone{Table: "app.t", Rows: 60, Elapsed: time.Second}})
	if len(s.Work) != 0 || len(s.Finished) != 1 || s.Impact != nil || s.Percent() != 60 {
		t.Errorf("after its end: %+v", s)
	}
}
