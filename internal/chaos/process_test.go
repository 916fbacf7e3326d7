//go:build unix

package chaos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// happened is what the test reads of an event.
type happened struct {
	Event    string `json:"event"`
	Step     string `json:"step"`
	SQL      string `json:"sql"`
	Done     int64  `json:"done"`
	OK       bool   `json:"ok"`
	Nothing  bool   `json:"nothing_to_do"`
	Exit     int    `json:"exit"`
	Problems []struct {
		Kind    string `json:"kind"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Detail  string `json:"detail"`
	} `json:"problems"`
}

func (h happened) String() string {
	if h.OK {
		return "ok"
	}
	lines := make([]string, len(h.Problems))
	for i, p := range h.Problems {
		lines[i] = fmt.Sprintf("%s/%s %s: %s", p.Kind, p.Code, p.Message, p.Detail)
	}
	return strings.Join(lines, "; ")
}

// process is rekey in a process of its own.
type process struct {
	cmd       *exec.Cmd
	input     io.Closer
	stderr    bytes.Buffer
	done      chan struct{}
	suspended chan struct{} // closed when it was stopped and another is to take over

	mu      sync.Mutex
	working bool      // it holds the lease, as far as it told
	result  *happened // nil while it runs, and when it was killed
	killed  bool
	step    string          // where it was last
	steps   map[string]bool // where it has been
	rows    int64           // that it has filled of a table
	moved   time.Time       // when it last got further: to a step that it had not been at, or by rows that it filled
}

// begin starts a process; its events are handed on.
func begin(o order, saw func(happened)) (*process, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{}), suspended: make(chan struct{}), steps: map[string]bool{}, moved: time.Now()}
	p.cmd.Env = append(os.Environ(), orderVariable+"="+string(text), "GORACE=halt_on_error=0")
	p.cmd.Stderr = &p.stderr
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.follow(output, saw)
	return p, nil
}

func (p *process) follow(output io.Reader, saw func(happened)) {
	defer close(p.done)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h happened
		if json.Unmarshal(lines.Bytes(), &h) != nil {
			continue
		}
		p.note(h)
		saw(h)
	}
	_ = p.cmd.Wait()
	p.mu.Lock()
	p.working = false
	p.mu.Unlock()
	saw(happened{Event: "ended"})
}

func (p *process) note(h happened) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch h.Event {
	case "run_started":
		p.working = true
	case "executing":
		if !p.steps[h.Step] { // to try again and again is not to get further
			p.steps[h.Step], p.rows, p.moved = true, 0, time.Now()
		}
		p.step = h.Step
	case "progress":
		if h.Done > p.rows {
			p.rows, p.moved = h.Done, time.Now()
		}
	case "result":
		p.result, p.working = &h, false
	}
}

// atWork tells whether the process is in the middle of its work.
func (p *process) atWork() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.working
}

// where tells which statement it was last heard of.
func (p *process) where() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.step
}

func (p *process) kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	_ = p.cmd.Process.Kill()
}

func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// ended waits for the end, as long as the process gets further.
func (p *process) ended(patience time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-p.stuck(patience):
		return false
	}
}

// stuck is closed once the process has got no further for so long. How long it takes in all is the machine's.
func (p *process) stuck(patience time.Duration) <-chan struct{} {
	stuck := make(chan struct{})
	go func() {
		for p.idle() < patience {
			select {
			case <-p.done:
				return
			case <-time.After(time.Second):
			}
		}
		close(stuck)
	}()
	return stuck
}

// idle is for how long the process has got no further.
func (p *process) idle() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.moved)
}

// fault tells what is wrong with how the process ended: a panic, a race, no result.
func (p *process) fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	said := strings.TrimSpace(p.stderr.String())
	switch {
	case said != "":
		return fmt.Errorf("the process of rekey wrote: %s", said)
	case p.result == nil && !p.killed:
		return fmt.Errorf("the process of rekey ended without a result: %v", p.cmd.ProcessState)
	default:
		return nil
	}
}

// Who tries one step again and again, or tells of the same rows, gets no further, however busy.
func TestWhatGetsFurther(t *testing.T) {
	p := &process{steps: map[string]bool{}}
	for i, one := range []struct {
		happened
		further bool
	}{
		{happened{Event: "executing", Step: "wide/add-column"}, true},
		{happened{Event: "executing", Step: "wide/add-column"}, false},
		{happened{Event: "executing", Step: "wide/fill"}, true},
		{happened{Event: "progress", Done: 7}, true},
		{happened{Event: "progress", Done: 7}, false},
		{happened{Event: "executing", Step: "wide/add-column"}, false},
		{happened{Event: "progress", Done: 7}, false},
		{happened{Event: "progress", Done: 8}, true},
		{happened{Event: "executing", Step: "small/fill"}, true},
		{happened{Event: "progress", Done: 1}, true},
		{happened{Event: "waiting"}, false},
	} {
		p.moved = time.Time{}
		if p.note(one.happened); p.moved.IsZero() == one.further {
			t.Errorf("%d: %+v", i, one)
		}
	}
	if p.moved = time.Now().Add(-time.Hour); p.ended(time.Minute) {
		t.Error("one that has done nothing for an hour has ended")
	}
}
