package cli

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/screen"
)

// display shows a run that is watched.
type display interface {
	show(w screen.Watched) error
	// suspensions returns a channel that receives a value when Ctrl-Z asks the process to stop. It is nil where the default action
	// of the signal is right.
	suspensions() <-chan os.Signal
	// suspend restores the terminal, stops the process, and prepares the terminal again when the process continues.
	suspend()
	// leave restores the terminal.
	leave()
}

// untouched is the part of a display that leaves the terminal as it is.
type untouched struct{}

func (untouched) suspensions() <-chan os.Signal { return nil }
func (untouched) suspend()                      {}
func (untouched) leave()                        {}

// display returns what shows a run: JSON, nothing, frames on a terminal, or lines.
func (a *app) display(f *flags) display {
	switch {
	case f.json:
		return &documents{app: a}
	case f.quiet:
		return nothing{}
	}
	if file, ok := a.out.(*os.File); ok && a.isLively(file) {
		if restore, ok := obeysSequences(file); ok {
			return openFrames(file, restore)
		}
	}
	return &changes{out: a.Stdout}
}

// The sequences that enter the alternate screen, hide the cursor and do not wrap lines, and that undo all of it.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// frames draws on the alternate screen of a terminal.
type frames struct {
	out     *os.File
	restore func()
	stops   chan os.Signal
	forget  func() // ends the delivery to stops
}

func openFrames(out *os.File, restore func()) *frames {
	f := &frames{out: out, restore: restore, stops: make(chan os.Signal, 1)}
	f.forget = notifySuspend(f.stops)
	f.enter()
	return f
}

func (f *frames) enter() {
	_, _ = io.WriteString(f.out, enterScreen) // the next frame reports the error
}

func (f *frames) suspensions() <-chan os.Signal { return f.stops }

// show draws all lines where they are, so that nothing scrolls when the size has changed.
func (f *frames) show(w screen.Watched) error {
	width, height, err := term.GetSize(int(f.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = screen.Width, 24
	}
	var text strings.Builder
	for i, line := range w.Frame(width, height) {
		if i == 0 {
			line = "\x1b[1m" + line + "\x1b[0m"
		}
		fmt.Fprintf(&text, "\x1b[%d;1H\x1b[2K%s", i+1, line)
	}
	text.WriteString("\x1b[J")
	_, err = io.WriteString(f.out, text.String())
	return err
}

func (f *frames) leave() {
	f.reset()
	f.forget()
	f.restore()
}

func (f *frames) reset() {
	_, _ = io.WriteString(f.out, leaveScreen) // there is no other way to restore it
}

// changes writes a line for each change, and for new figures alone at most one in screen.LineInterval.
type changes struct {
	untouched
	out  io.Writer
	last string
	at   time.Time
}

func (c *changes) show(w screen.Watched) error {
	w.Age = 0 // time alone changes nothing
	line := w.Line()
	if line == c.last || screen.OnlyFigures(line, c.last) && time.Since(c.at) < screen.LineInterval {
		return nil
	}
	c.last, c.at = line, time.Now()
	_, err := fmt.Fprintln(c.out, line)
	return err
}

// documents writes a line of JSON for each change.
type documents struct {
	untouched
	app  *app
	last *watchedLine
}

func (d *documents) show(w screen.Watched) error {
	line := lineOf(w, &w.Progress)
	if d.last != nil && reflect.DeepEqual(*d.last, line) {
		return nil
	}
	d.last = &line
	return d.app.encode(line, "")
}

// watchedLine is a line of status --watch --json.
type watchedLine struct {
	FormatVersion int `json:"format_version"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Progress is what the run has recorded, null if no run has recorded anything.
	Progress *rekey.Progress `json:"progress"`
	// Trouble says why the database does not answer; Progress is the last known one.
	Trouble string `json:"trouble,omitempty"`
}

func lineOf(w screen.Watched, p *rekey.Progress) watchedLine {
	return watchedLine{FormatVersion: event.FormatVersion, Schema: w.Schema, Progress: p, Trouble: w.Trouble}
}

// nothing waits for the end of the run.
type nothing struct{ untouched }

func (nothing) show(screen.Watched) error { return nil }
