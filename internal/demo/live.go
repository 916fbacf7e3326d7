package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/screen"
)

// Writer shows the events of a demo.
type Writer interface {
	Event(e Event)
	Close() // called after the last event
}

// JSON returns a writer that writes each event as one line of JSON.
func JSON(out io.Writer) Writer { return ndjson{out} }

type ndjson struct{ out io.Writer }

func (n ndjson) Event(e Event) {
	if line, err := Line(e, time.Now()); err == nil {
		_, _ = n.out.Write(line) // the demo continues without a reader
	}
}

func (n ndjson) Close() {}

// Display describes the two streams of Text.
type Display struct {
	Width  int  // columns of progress's terminal
	Lively bool // progress is a terminal
	Bold   bool // out is a terminal
}

// Text returns a writer of text for people. Findings go to out. What happens now goes to progress: on a terminal as
// two lines that are redrawn, elsewhere as a line from time to time.
func Text(out, progress io.Writer, display Display) Writer {
	t := &text{out: out, progress: progress, display: display, done: make(chan struct{}), ended: make(chan struct{})}
	every := screen.LineInterval
	if display.Lively {
		every = 100 * time.Millisecond
	}
	go t.draw(every)
	return t
}

type text struct {
	out, progress io.Writer
	display       Display
	done, ended   chan struct{}

	mu      sync.Mutex
	stage   string // the current stage; "" during up and down
	begun   time.Time
	state   history.State
	figures Figures
	drawn   int // number of lines to erase before the next output
}

func (t *text) Event(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := e.(type) {
	case Began:
		t.stage, t.begun = e.Text, time.Now()
	case Ticked:
		t.figures = e.Figures
	case Step:
		if t.stage != "" {
			t.stage, t.state = "", history.State{}
		}
		t.state = history.Fold(t.state, history.Entry{At: time.Now(), Event: e.Event})
	case Carried, Flowing:
		t.stage, t.state = "the application continues", history.State{}
		t.begun = time.Now()
	}
	if text := lines(e); len(text) > 0 {
		t.wipe()
		fmt.Fprintln(t.out, t.bold(strings.Join(text, "\n")))
	}
}

func (t *text) Close() {
	close(t.done)
	<-t.ended
	t.wipe()
}

func (t *text) draw(every time.Duration) {
	defer close(t.ended)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-t.done:
			return
		case <-tick.C:
			t.mu.Lock()
			t.now()
			t.mu.Unlock()
		}
	}
}

// now writes what happens now.
func (t *text) now() {
	what := t.stage
	switch {
	case what != "":
		if took := time.Since(t.begun).Truncate(time.Second); took > 0 {
			what += ", " + screen.FormatDuration(took)
		}
	case t.state.Command != "":
		what = t.migration()
	default:
		return
	}
	t.wipe()
	fmt.Fprintln(t.progress, "  "+what)
	if !t.display.Lively {
		return
	}
	t.drawn = 1
	if f := t.figures; f.Statements > 0 {
		fmt.Fprintf(t.progress, "  the application: %s statements, %s failed, longest wait %s\n",
			screen.Count(f.Statements), screen.Count(f.Failed), fine(f.Longest))
		t.drawn = 2
	}
}

// migration describes how far up or down is.
func (t *text) migration() string {
	all := screen.Draw(t.state, time.Now()).All
	if !t.display.Lively {
		return fmt.Sprintf("%s: %s, %d%%", t.state.Command, all.Name, all.Percent)
	}
	width := min(t.display.Width, screen.Width) - len("  down  ")
	return fmt.Sprintf("%-4s  %s", t.state.Command, all.Line(width))
}

// wipe erases the drawn lines.
func (t *text) wipe() {
	fmt.Fprint(t.progress, strings.Repeat("\x1b[1A\x1b[2K", t.drawn))
	t.drawn = 0
}

// bold highlights the last line's "ok" or "not ok".
func (t *text) bold(text string) string {
	if !t.display.Bold {
		return text
	}
	for conclusion, colour := range map[string]string{okay: "\x1b[1;32m", notOkay: "\x1b[1;31m"} {
		if at := strings.LastIndex(text, "\n"+conclusion+" "); at >= 0 {
			text = text[:at+1] + colour + conclusion + "\x1b[0m" + text[at+1+len(conclusion):]
		}
	}
	return text
}
