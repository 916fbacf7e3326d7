package rekey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

// after is an event at a number of seconds after the start of a run.
type after struct {
	seconds float64
	event   event.Event
}

const (
	orders  = "app.orders"
	entries = "app.journal_entries_archive_2019"
)

// filling are the events of a run that fills the second of its three tables.
func filling() []after {
	const us = time.Microsecond
	return []after{
		{0, event.RunStarted{Run: 7, Command: "up", Schema: "app", Tables: 3, Rows: 2_220_000}},
		{1, event.TableStarted{Table: orders, Rows: 20_000}},
		{2, event.TableDone{Table: orders, Rows: 20_000, Elapsed: time.Second}},
		{3, event.TableStarted{Table: entries, Rows: 2_000_000}},
		{700, event.Progress{Table: entries, Done: 1_234_567, Total: 2_000_000, Rate: 12_345, Left: 62 * time.Second}},
		{700, event.Impact{Table: entries, Commit: 1100 * us, CommitIdle: 900 * us, Read: 300 * us, ReadIdle: 200 * us, Ratio: 1.2, Limit: 1.5, Workers: 2}},
		{701, event.Load{WAL: 12 << 20, Lag: 2300 * time.Millisecond, Waiting: 1, Batch: 8 * time.Millisecond}},
	}
}

// situations are states of a run that somebody watches, by the name of a golden file.
func situations() map[string][]after {
	with := func(more ...after) []after { return append(filling(), more...) }
	validate := `ALTER TABLE "app"."journal_entries_archive_2019" VALIDATE CONSTRAINT "uuid_not_null"`
	return map[string][]after{
		"filling":   filling(),
		"starting":  nil,
		"throttled": with(after{702, event.Throttled{Reason: "standby replica1 is 2.3s behind (limit 2s)"}}, after{735, event.Load{WAL: 1 << 20, Lag: 2300 * time.Millisecond}}),
		"paused":    with(after{702, event.Throttled{Reason: "paused from another terminal; to continue: rekey resume", Paused: true}}, after{1402, event.Load{WAL: 1 << 10}}),
		"index": with(after{800, event.Progress{Table: entries, Done: 2_000_000, Total: 2_000_000, Rate: 12_345}},
			after{801, event.IndexProgress{Table: entries, Index: "journal_entries_archive_2019_uuid_idx", Phase: "building index: scanning table", Done: 4_000, Total: 10_000}}),
		"validating": with(after{800, event.Progress{Table: entries, Done: 2_000_000, Total: 2_000_000}},
			after{801, event.Executing{Table: entries, Step: entries + "/validate", SQL: validate, Bytes: 4 << 30}}, after{842, event.Load{WAL: 1 << 10}}),
		"waiting": with(after{800, event.Progress{Table: entries, Done: 2_000_000, Total: 2_000_000}},
			after{801, event.Executing{Table: entries, Step: entries + "/not-null", SQL: "ALTER TABLE …"}},
			after{802, event.LockRefused{Table: entries, Attempts: 12, Blockers: []string{"pid 4711 (psql, idle in transaction for 2h)"}, Pause: time.Second}}),
		"several": with(after{702, event.TableStarted{Table: "app.t1", Rows: 10}}, after{702, event.TableStarted{Table: "app.t2", Rows: 200}},
			after{702, event.TableStarted{Table: "app.t3", Rows: 200_000}}, after{703, event.Progress{Table: "app.t3", Done: 999, Total: 200_000, Rate: 40, Left: 4975 * time.Second}},
			after{704, event.TableStarted{Table: "app.t4", Rows: 1}}, after{704, event.TableStarted{Table: "app.t5", Rows: 1}}),
	}
}

func watched(events []after) screen.Watched {
	begin := time.Date(2026, 3, 1, 2, 14, 5, 0, time.UTC)
	var s history.State
	for i, one := range events {
		s = history.Fold(s, history.Entry{Seq: int64(i + 1), At: begin.Add(time.Duration(one.seconds * float64(time.Second))), Event: one.event})
	}
	w := screen.Watched{Progress: *rekey.ProgressOf(s), Schema: "app"}
	w.Active = true
	if w.Started.IsZero() {
		w.Command, w.Started = "up", begin
	}
	return w
}

// TestWatchedFrames compares the frames of status --watch, and its lines, with golden files.
func TestWatchedFrames(t *testing.T) {
	for name, events := range situations() {
		w := watched(events)
		var text strings.Builder
		for _, width := range []int{60, 80, 120, 200} {
			fmt.Fprintf(&text, "%d columns\n", width)
			for _, line := range w.Frame(width, 24) {
				text.WriteString("|" + line + "\n")
			}
		}
		text.WriteString("80 columns, 6 lines\n|" + strings.Join(w.Frame(80, 6), "\n|") + "\n")
		w.Trouble = "connection refused"
		text.WriteString("without the database\n|" + strings.Join(w.Frame(80, 4), "\n|") + "\n")
		w.Trouble = ""
		text.WriteString("a line\n|" + w.Line() + "\n")
		golden(t, filepath.Join("watch", name+".txt"), text.String())
	}
}

// TestFramesFit draws every situation at many sizes.
func TestFramesFit(t *testing.T) {
	for name, events := range situations() {
		w := watched(events)
		for width := 1; width <= 200; width += 7 {
			for _, height := range []int{0, 1, 2, 3, 5, 10, 24} {
				frame := w.Frame(width, height)
				if len(frame) > height {
					t.Fatalf("%s: %d lines in %d", name, len(frame), height)
				}
				for _, line := range frame {
					if utf8.RuneCountInString(line) > width || strings.ContainsAny(line, "\n\x1b") {
						t.Fatalf("%s, %d columns: %q", name, width, line)
					}
				}
			}
		}
	}
}

// TestStatusOfRuns compares what rekey status shows of a run that works, one whose process was killed, and one that was refused.
func TestStatusOfRuns(t *testing.T) {
	running := watched(filling()).Progress
	killed := running
	killed.Active = false
	active := &rekey.ActiveRun{Command: "up", Program: "1.0", Host: "db1", PID: 4242, Since: running.Started, Silent: time.Second}
	var text strings.Builder
	for _, width := range []int{60, 80, 120, 200} {
		for _, s := range []rekey.Status{{Schema: "app", Progress: &running, Running: active}, {Schema: "app", Progress: &killed}} {
			fmt.Fprintf(&text, "%d columns\n%s", width, screen.Status(s, width))
		}
	}
	golden(t, filepath.Join("watch", "status.txt"), text.String())
	text.Reset()
	done := event.Result{OK: true, Command: "up", Schema: "app", Tables: 3, Rows: 2_220_431, Elapsed: 14 * time.Minute, Locks: event.Locks{Count: 9, LongestWait: 31 * time.Millisecond, LongestHold: 4 * time.Millisecond}}
	failed := done
	failed.OK, failed.Tables = false, 1
	failed.Problems = problem.List{{Kind: problem.Refused, Code: "text_column", Table: orders, Message: "column uuid of app.orders is text, not uuid", Hint: "Rename it, or skip the table: --skip-refused."}}
	for _, r := range []event.Result{done, failed} {
		text.WriteString(screen.Summary(r, "", "", 80) + screen.Problems(r.Problems, 80, false) + "\n")
	}
	golden(t, filepath.Join("watch", "ended.txt"), text.String())
}

// golden compares a text with a file under testdata; -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); to accept it: go test . -run TestWatched -update\n%s", path, diff)
	}
}
