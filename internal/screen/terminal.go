package screen

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

// Terminal returns a Writer for a terminal. It shows a bar for each active table and one for all tables; lines about
// finished tables scroll away above them.
func Terminal(out io.Writer, options ...mpb.ContainerOption) Writer {
	t := &terminal{bars: map[string]*mpb.Bar{}}
	t.progress = mpb.New(append(options, mpb.WithOutput(out))...)
	return t
}

type terminal struct {
	progress *mpb.Progress
	events   sync.Mutex // one event or line at a time
	bars     map[string]*mpb.Bar
	all      *mpb.Bar
	impact   *mpb.Bar

	// The goroutine that draws reads state. mu is not held during a call of mpb, which draws in the goroutine that
	// receives the calls.
	mu    sync.Mutex
	state history.State
}

func (t *terminal) Event(e event.Event) {
	t.events.Lock()
	defer t.events.Unlock()
	t.mu.Lock()
	before := t.state
	t.state = history.Fold(t.state, history.Entry{At: time.Now(), Event: e})
	state := t.state
	t.mu.Unlock()
	t.logged(before, state, e)
	switch e := e.(type) {
	case event.RunStarted:
		t.all = t.add(math.MaxInt, func(f Frame) (Bar, bool) { return f.All, true })
	case event.TableStarted:
		name := clean(strings.TrimPrefix(e.Table, state.Schema+"."))
		t.bars[e.Table] = t.add(len(state.Finished)+len(state.Work), func(f Frame) (Bar, bool) { return f.bar(name) })
	case event.Impact:
		if t.impact == nil && state.Impact != nil {
			t.impact = t.add(math.MaxInt, func(f Frame) (Bar, bool) { return f.Impact, f.Impact.Text != "" })
		}
	case event.TableDone:
		t.drop(e.Table)
	}
	if state.Impact == nil {
		t.dropImpact()
	}
}

// logged writes the lines that an event has added to the log, except those about what the bars show.
func (t *terminal) logged(before, after history.State, e event.Event) {
	switch e.(type) {
	case event.RunStarted, event.TableDone, event.TableAbsent, event.Notice:
	default:
		return
	}
	for _, line := range after.Log[len(after.Log)-(after.Logged-before.Logged):] {
		t.line(line.Text)
	}
}

func (f Frame) bar(name string) (Bar, bool) {
	for _, b := range f.Bars {
		if b.Name == name {
			return b, true
		}
	}
	return Bar{}, false
}

// add adds a bar that draws itself from the state. mpb positions it and sets its width.
func (t *terminal) add(priority int, pick func(Frame) (Bar, bool)) *mpb.Bar {
	var last Bar // mpb draws a bar once more after it was removed
	draw := func(w io.Writer, s decor.Statistics) error {
		t.mu.Lock()
		bar, there := pick(Draw(t.state, time.Now()))
		t.mu.Unlock()
		if !there {
			bar = last
		}
		last = bar
		_, err := io.WriteString(w, bar.Line(min(s.AvailableWidth, maxLineWidth)))
		return err
	}
	bar, err := t.progress.Add(0, mpb.BarFillerFunc(draw), mpb.BarPriority(priority), mpb.BarFillerTrim())
	if err != nil {
		return nil // it is closed
	}
	return bar
}

// maxLineWidth keeps a line readable on a very wide terminal.
const maxLineWidth = 120

func (t *terminal) drop(table string) {
	if bar := t.bars[table]; bar != nil {
		bar.Abort(true)
		delete(t.bars, table)
	}
}

func (t *terminal) dropImpact() {
	if t.impact != nil {
		t.impact.Abort(true)
		t.impact = nil
	}
}

func (t *terminal) line(text string) { fmt.Fprintln(t.progress, text) }

func (t *terminal) Say(line string) {
	t.events.Lock()
	defer t.events.Unlock()
	t.line(line)
}

// Close removes the bars and waits until the terminal is restored.
func (t *terminal) Close() {
	t.events.Lock()
	defer t.events.Unlock()
	for table := range t.bars {
		t.drop(table)
	}
	t.dropImpact()
	if t.all != nil {
		t.all.Abort(true)
	}
	t.progress.Wait()
}
