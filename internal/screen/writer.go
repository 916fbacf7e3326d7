package screen

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// Writer shows the events of a run. Its methods may be called by several goroutines.
type Writer interface {
	Event(e event.Event)
	// Say shows a line that is not an event.
	Say(line string)
	// Close is called after the last event. After it the caller may write to the output itself.
	Close()
}

// Lines returns a Writer of plain lines.
func Lines(out io.Writer) Writer { return &lines{out: out} }

type lines struct {
	mu    sync.Mutex
	out   io.Writer
	plain Plain
}

func (l *lines) Event(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []string
	l.plain, due = l.plain.Next(e, time.Now())
	for _, line := range due {
		fmt.Fprintln(l.out, line)
	}
}

func (l *lines) Say(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.out, line)
}

func (l *lines) Close() {}

// JSON returns a Writer of newline-delimited JSON to data. Lines that are not events go to out.
func JSON(data, out io.Writer) Writer { return &ndjson{data: data, out: out} }

type ndjson struct {
	mu        sync.Mutex
	data, out io.Writer
}

func (n *ndjson) Event(e event.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	line, err := event.Line(e, time.Now())
	if err != nil {
		fmt.Fprintln(n.out, "an event could not be written as JSON:", err)
		return
	}
	_, _ = n.data.Write(line) // a reader that is gone must not end the run
}

func (n *ndjson) Say(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.out, line)
}

func (n *ndjson) Close() {}

// Silent returns a Writer that shows no events.
func Silent(out io.Writer) Writer { return &silent{lines{out: out}} }

type silent struct{ lines }

func (s *silent) Event(event.Event) {}
