package screen

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// Writer shows a run. Its methods may be called from several goroutines.
type Writer interface {
	Event(e event.Event)
	Say(line string) // something beside the events
	Close()          // after the last event; what follows may be written past the Writer
}

// Lines writes plain lines to out.
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

// JSON writes events as newline-delimited JSON to data, and what is said beside them to out.
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
	_, _ = n.data.Write(line) // a reader that went away must not end the run
}

func (n *ndjson) Say(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.out, line)
}

func (n *ndjson) Close() {}

// Silent writes only what is said beside the events.
func Silent(out io.Writer) Writer { return &silent{lines{out: out}} }

type silent struct{ lines }

func (s *silent) Event(event.Event) {}
