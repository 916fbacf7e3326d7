package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/screen"
)

// Writer shows a demo.
type Writer interface {
	Event(e Event)
	Close() // after the last event
}

// JSON writes each event as a line of JSON.
func JSON(out io.Writer) Writer { return ndjson{out} }

type ndjson struct{ out io.Writer }

func (n ndjson) Event(e Event) {
	if line, err := Line(e, time.Now()); err == nil {
		_, _ = n.out.Write(line) // a reader that went away must not end the demo
	}
}

func (n ndjson) Close() {}

// Look says what the two channels of Text are.
type Look struct {
	Width  int  // columns of the terminal behind beside
	Lively bool // beside is a terminal
	Bold   bool // out is one
}

// Text writes for people: what was found goes to out; what goes on meanwhile to beside, on a terminal as
// two lines that are drawn anew, elsewhere as a line now and then.
func Text(out, beside io.Writer, look Look) Writer {
	t := &text{out: out, beside: beside, look: look, done: make(chan struct{}), ended: make(chan struct{})}
	every := screen.Every
	if look.Lively {
		every = 100 * time.Millisecond
	}
	go t.draw(every)
	return t
}

type text struct {
	out, beside io.Writer
	look        Look
	done, ended chan struct{}

	mu      sync.Mutex
	stage   string // that is under way; "" while up or down is
	begun   time.Time
	state   screen.State
	figures Figures
	drawn   int // lines to be wiped away
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
			t.stage, t.state = "", screen.State{}
		}
		t.state = screen.Fold(t.state, e.Event, time.Now())
	case Carried, Flowing:
		t.stage, t.state = "the application works on", screen.State{}
		t.begun = time.Now()
	}
	if told := lines(e); len(told) > 0 {
		t.wipe()
		fmt.Fprintln(t.out, t.bold(strings.Join(told, "\n")))
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

// now says what goes on.
func (t *text) now() {
	what := t.stage
	switch {
	case what != "":
		if took := time.Since(t.begun).Truncate(time.Second); took > 0 {
			what += ", " + screen.Span(took)
		}
	case t.state.Command != "":
		what = t.progress()
	default:
		return
	}
	t.wipe()
	fmt.Fprintln(t.beside, "  "+what)
	if !t.look.Lively {
		return
	}
	t.drawn = 1
	if f := t.figures; f.Statements > 0 {
		fmt.Fprintf(t.beside, "  the application: %s statements, %s failed, longest wait %s\n",
			screen.Count(f.Statements), screen.Count(f.Failed), fine(f.Longest))
		t.drawn = 2
	}
}

// progress tells how far up or down is.
func (t *text) progress() string {
	all := screen.Draw(t.state).All
	if !t.look.Lively {
		return fmt.Sprintf("%s: %s, %d%%", t.state.Command, all.Name, all.Percent)
	}
	room := min(t.look.Width, screen.Width) - len("  down  ")
	return fmt.Sprintf("%-4s  %s", t.state.Command, all.Line(room))
}

// wipe takes the drawn lines away.
func (t *text) wipe() {
	fmt.Fprint(t.beside, strings.Repeat("\x1b[1A\x1b[2K", t.drawn))
	t.drawn = 0
}

// bold marks the verdict.
func (t *text) bold(told string) string {
	if !t.look.Bold {
		return told
	}
	for verdict, colour := range map[string]string{okay: "\x1b[1;32m", notOkay: "\x1b[1;31m"} {
		if at := strings.LastIndex(told, "\n"+verdict+" "); at >= 0 {
			told = told[:at+1] + colour + verdict + "\x1b[0m" + told[at+1+len(verdict):]
		}
	}
	return told
}
