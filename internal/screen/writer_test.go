package screen

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/vbauerster/mpb/v8"
	"go.uber.org/goleak"
)

// buffer may be written by one goroutine while another reads it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestTerminal(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out buffer
	refresh := make(chan any)
	show := Terminal(&out, mpb.WithManualRefresh(refresh), mpb.WithWidth(80))
	for _, m := range fullRun() {
		show.Event(m.e)
		for range 3 { // with the third request accepted, the picture of the first is finished: mpb holds one and draws another
			refresh <- time.Now()
		}
	}
	show.Say("stopping after this batch")
	refresh <- time.Now() // a terminal refreshes by itself
	show.Close()
	for _, want := range []string{
		"up, schema public, version 39 to 40: 2 tables", "phoenix_kit_users: done, 20,431 rows", "(1 of 2)",
		"123k/200k", "1 of 2 tables", "[=", "stopping after this batch", "phoenix_kit_ai_prompts: absent",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the terminal never showed %q in:\n%s", want, out.String())
		}
	}
}

func TestLines(t *testing.T) {
	var out buffer
	show := Lines(&out)
	for _, m := range fullRun() {
		show.Event(m.e)
	}
	show.Say("stopping after this batch")
	show.Close()
	if text := out.String(); !strings.Contains(text, "(2 of 2)") || !strings.HasSuffix(text, "stopping after this batch\n") || strings.Contains(text, "\x1b") {
		t.Errorf("got:\n%s", text)
	}
}

func TestJSON(t *testing.T) {
	var data, out buffer
	show := JSON(&data, &out)
	for _, m := range fullRun() {
		show.Event(m.e)
	}
	show.Say("a line")
	show.Close()
	lines := strings.Split(strings.TrimSuffix(data.String(), "\n"), "\n")
	if len(lines) != len(fullRun()) || out.String() != "a line\n" {
		t.Errorf("%d lines, want %d; on the other channel %q", len(lines), len(fullRun()), out.String())
	}
	var last struct {
		FormatVersion int `json:"format_version"`
		Event         string
		OK            bool
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Event != "result" || last.FormatVersion != event.FormatVersion || !last.OK {
		t.Errorf("the last line is %+v, %v", last, err)
	}
}

func TestSilent(t *testing.T) {
	var out buffer
	show := Silent(&out)
	show.Event(fullRun()[0].e)
	show.Say("said")
	show.Close()
	if out.String() != "said\n" {
		t.Errorf("got %q", out.String())
	}
}
