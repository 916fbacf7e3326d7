package demo

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/event"
)

//nolint:gochecknoglobals // a flag of the test program
var update = flag.Bool("update", false, "rewrite the files under testdata")

// events returns the events of a demo, with one of up's.
func events(r Result) []Event {
	r.judge(nil)
	r.Up.Locks, r.Up.Elapsed = event.Locks{Count: 99, LongestHold: 3 * time.Millisecond}, 9300*time.Millisecond
	r.Verify.Elapsed = 1100 * time.Millisecond
	return []Event{
		Began{Text: "looking"},
		Found{Version: "15.18", Origin: "PATH"},
		Built{Tables: 33, Rows: 335_000, Note: "no extension citext: a domain over text stands for it", Elapsed: 4 * time.Second},
		Flowing{Rate: 200, Connections: 4},
		Step{event.RunStarted{Command: "up", Tables: 33}},
		Carried{r.Up},
		r.Verify,
		Ticked{r.Traffic},
		Carried{r.Down},
		r.Journey,
		r,
	}
}

func TestText(t *testing.T) {
	bad := good()
	bad.Checks[2].Old["phoenix_kit_users"] = Digest{1979, "4"}
	for name, r := range map[string]Result{"good.txt": good(), "bad.txt": bad} {
		var out, progress bytes.Buffer
		w := Text(&out, &progress, Display{Width: 80})
		for _, e := range events(r) {
			w.Event(e)
		}
		w.Close()
		path := "testdata/" + name
		if *update {
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), out.String()); diff != "" {
			t.Errorf("%s differs (-want +got); if that is meant: go test ./internal/demo -update\n%s", path, diff)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// The progress lines are erased before other output and at the end.
func TestErasesProgress(t *testing.T) {
	var both bytes.Buffer
	w := Text(&both, &both, Display{Width: 80, Lively: true, Bold: true}).(*text)
	w.Event(Ticked{Figures{Statements: 1}})
	w.Event(Step{event.RunStarted{Command: "up", Tables: 33}})
	w.mu.Lock()
	w.now()
	w.mu.Unlock()
	w.Event(Carried{event.Result{Command: "up"}})
	r := good()
	r.judge(nil)
	w.Event(r)
	w.Close()
	got := both.String()
	if !strings.Contains(got, "0 of 33 tables") || !strings.Contains(got, "1 statements, 0 failed") {
		t.Errorf("%q", got)
	}
	const wipe = "\x1b[1A\x1b[2K"
	if strings.Count(got, wipe)%2 != 0 || !strings.Contains(got, wipe+wipe+"  up ") {
		t.Errorf("not erased: %q", got)
	}
	if !strings.Contains(got, "\n\x1b[1;32mok\x1b[0m in 21 s") {
		t.Errorf("the last line is not highlighted: %q", got)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	w := JSON(&out)
	for _, e := range events(good()) {
		w.Event(e)
	}
	w.Close()
	var names []string
	var last map[string]any
	for line := range strings.Lines(out.String()) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		names = append(names, last["event"].(string))
		if last["format_version"] != float64(event.FormatVersion) || last["at"] == "" {
			t.Errorf("%s", line)
		}
	}
	want := []string{
		"stage", "server", "built", "traffic_started", "run_started", "carried", "verified", "traffic", "carried", "journey", "result",
	}
	if diff := cmp.Diff(want, names); diff != "" || last["ok"] != true {
		t.Errorf("%s ok is %v", diff, last["ok"])
	}
}
