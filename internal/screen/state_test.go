package screen

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

func TestFrames(t *testing.T) {
	for _, width := range []int{120, 80, 60, 40} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			var text strings.Builder
			var state history.State
			for _, m := range fullRun() {
				state = history.Fold(state, history.Entry{At: m.time(), Event: m.e})
				frame := Draw(state, m.time())
				fmt.Fprintf(&text, "%4.1f s  %T\n", m.at, m.e)
				for _, bar := range append(frame.Bars, frame.All) {
					fmt.Fprintf(&text, "|%s|\n", bar.Line(width))
				}
			}
			golden(t, fmt.Sprintf("frames-%d.txt", width), text.String())
		})
	}
}

func TestPlainLines(t *testing.T) {
	var text strings.Builder
	var plain Plain
	for _, m := range fullRun() {
		var due []string
		plain, due = plain.Next(m.e, m.time())
		for _, line := range due {
			fmt.Fprintf(&text, "%4.1f s  %s\n", m.at, line)
		}
	}
	golden(t, "plain.txt", text.String())
}

// An hour of progress ten times per second, with lock timeouts.
func TestPlainLinesAreRare(t *testing.T) {
	var plain Plain
	start := time.Unix(0, 0)
	plain, _ = plain.Next(event.TableStarted{Table: "a", Rows: 1}, start)
	printed := 0
	for i := range 36_000 {
		at := start.Add(time.Duration(i) * 100 * time.Millisecond)
		for _, e := range []event.Event{
			event.Progress{Table: "a", Done: int64(i)},
			event.LockRefused{Table: "a", Attempts: i},
			event.Throttled{Reason: fmt.Sprint("load ", i)},
		} {
			var due []string
			plain, due = plain.Next(e, at)
			printed += len(due)
		}
	}
	if most := 3 * 3600 / 5; printed > most || printed < most-10 {
		t.Errorf("%d lines in an hour, want at most %d and few less", printed, most)
	}
}

func TestFoldDoesNotChangeItsArgument(t *testing.T) {
	var before history.State
	for _, m := range fullRun()[:10] {
		before = history.Fold(before, history.Entry{At: m.time(), Event: m.e})
	}
	copied := before
	copied.Work = append([]history.Table(nil), before.Work...)
	for _, m := range fullRun()[10:] {
		history.Fold(before, history.Entry{At: m.time(), Event: m.e})
	}
	if diff := cmp.Diff(copied, before, cmpopts.IgnoreUnexported(history.State{})); diff != "" {
		t.Errorf("Fold changed its argument (-before +after):\n%s", diff)
	}
}

// A frame of any run at any width has lines that fit, and no more than 100 percent.
func TestFramesFitTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"a", "public.phoenix_kit_user_role_assignments", "Ünï\x1b[2J\r\ncode"})
		number := rapid.Int64Range(-5, math.MaxInt32)
		var state history.State
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			state = history.Fold(state, history.Entry{At: time.Unix(0, 0), Event: anyEvent(t, names.Draw(t, "table"), number)})
		}
		width := rapid.IntRange(1, 200).Draw(t, "width")
		frame := Draw(state, time.Unix(0, 0))
		for _, bar := range append(frame.Bars, frame.All) {
			line := bar.Line(width)
			if columns(line) > width {
				t.Fatalf("%d columns, want %d at most: %q", columns(line), width, line)
			}
			if strings.ContainsAny(line, "\n\r\x1b") {
				t.Fatalf("control characters: %q", line)
			}
			if bar.Percent < 0 || bar.Percent > 100 {
				t.Fatalf("%d percent", bar.Percent)
			}
			if bar.Done > bar.Total {
				t.Fatalf("%d of %d rows", bar.Done, bar.Total)
			}
		}
	})
}

func anyEvent(t *rapid.T, table string, number *rapid.Generator[int64]) event.Event {
	n, m := number.Draw(t, "n"), number.Draw(t, "m")
	return rapid.SampledFrom([]event.Event{
		event.RunStarted{Tables: int(n), Rows: m},
		event.TableStarted{Table: table, Rows: n},
		event.TableDone{Table: table, Rows: max(n, 0)},
		event.Progress{Table: table, Done: n, Total: m, Rate: float64(n), Left: time.Duration(m)},
		event.IndexProgress{Table: table, Phase: table, Done: n, Total: m, Waiting: []string{table}},
		event.LockRefused{Table: table, Blockers: []string{table}},
		event.Throttled{Reason: table, Paused: n > m},
	}).Draw(t, "event")
}

// The run is not at 100 percent before every table is finished.
func TestPercentIs100OnlyAtTheEnd(t *testing.T) {
	var state history.State
	for _, m := range fullRun() {
		state = history.Fold(state, history.Entry{At: m.time(), Event: m.e})
		if finished := len(state.Finished) == 2; (state.Percent() == 100) != finished && state.Tables > 0 {
			t.Errorf("after %T at %v s: %d%%, finished %v", m.e, m.at, state.Percent(), finished)
		}
	}
}
