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

// eventLine contains the fields of an event that the tests read.
type eventLine struct {
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

func (h eventLine) String() string {
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
	suspended chan struct{} // closed when the process was stopped and another must take over

	mu         sync.Mutex
	working    bool       // it holds the lease, according to its events
	result     *eventLine // nil while it runs or if it was killed
	killed     bool
	step       string          // the last step
	steps      map[string]bool // all steps so far
	rows       int64           // rows filled in the current table
	progressed time.Time       // time of the last progress: a new step, or more filled rows
}

// begin starts a process and passes its events to a function.
func begin(o request, saw func(eventLine)) (*process, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{}), suspended: make(chan struct{}), steps: map[string]bool{}, progressed: time.Now()}
	p.cmd.Env = append(os.Environ(), requestVariable+"="+string(text), "GORACE=halt_on_error=0")
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

func (p *process) follow(output io.Reader, saw func(eventLine)) {
	defer close(p.done)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h eventLine
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
	saw(eventLine{Event: "ended"})
}

func (p *process) note(h eventLine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch h.Event {
	case "run_started":
		p.working = true
	case "executing":
		if !p.steps[h.Step] { // repeated attempts are no progress
			p.steps[h.Step], p.rows, p.progressed = true, 0, time.Now()
		}
		p.step = h.Step
	case "progress":
		if h.Done > p.rows {
			p.rows, p.progressed = h.Done, time.Now()
		}
	case "result":
		p.result, p.working = &h, false
	}
}

// atWork reports whether the process is running and holds the lease.
func (p *process) atWork() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.working
}

// where returns the last step of the process.
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

// waitEnd waits for the process to exit. It returns false if the process makes no progress for the given time.
func (p *process) waitEnd(timeout time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-p.stuck(timeout):
		return false
	}
}

// stuck returns a channel that is closed if the process makes no progress for the given time. The total duration
// depends on the machine.
func (p *process) stuck(timeout time.Duration) <-chan struct{} {
	stuck := make(chan struct{})
	go func() {
		for p.idle() < timeout {
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

// idle returns the time since the last progress.
func (p *process) idle() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.progressed)
}

// fault returns an error if the process ended with a panic, a race or no result.
func (p *process) fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	output := strings.TrimSpace(p.stderr.String())
	switch {
	case output != "":
		return fmt.Errorf("rekey wrote to standard error: %s", output)
	case p.result == nil && !p.killed:
		return fmt.Errorf("rekey ended without a result: %v", p.cmd.ProcessState)
	default:
		return nil
	}
}

// Repeating a step, or reporting the same rows again, is no progress.
func TestProgressOfProcess(t *testing.T) {
	p := &process{steps: map[string]bool{}}
	for i, one := range []struct {
		eventLine
		further bool
	}{
		{eventLine{Event: "executing", Step: "wide/add-column"}, true},
		{eventLine{Event: "executing", Step: "wide/add-column"}, false},
		{eventLine{Event: "executing", Step: "wide/fill"}, true},
		{eventLine{Event: "progress", Done: 7}, true},
		{eventLine{Event: "progress", Done: 7}, false},
		{eventLine{Event: "executing", Step: "wide/add-column"}, false},
		{eventLine{Event: "progress", Done: 7}, false},
		{eventLine{Event: "progress", Done: 8}, true},
		{eventLine{Event: "executing", Step: "small/fill"}, true},
		{eventLine{Event: "progress", Done: 1}, true},
		{eventLine{Event: "waiting"}, false},
	} {
		p.progressed = time.Time{}
		if p.note(one.eventLine); p.progressed.IsZero() == one.further {
			t.Errorf("%d: %+v", i, one)
		}
	}
	if p.progressed = time.Now().Add(-time.Hour); p.waitEnd(time.Minute) {
		t.Error("ended reports true for a process without progress")
	}
}
