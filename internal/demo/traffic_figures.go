package demo

import (
	"fmt"
	"sync"
	"time"
)

// Waits are durations of the application's statements, from the time when each was due: they include the time that it
// queued after another statement on its connection.
type Waits struct {
	Statements int64         `json:"statements"`
	Median     time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	Longest    time.Duration `json:"longest_ns"`
}

// Figures count what the application has done and noticed.
type Figures struct {
	Statements int64         `json:"statements"`
	Failed     int64         `json:"failed"`
	Wrong      int64         `json:"wrong"`            // read a row other than the recorded one, or none
	Errors     []string      `json:"errors,omitempty"` // the first few
	Longest    time.Duration `json:"longest_ns"`
	LongestOf  string        `json:"longest_of"` // INSERT phoenix_kit_orders
	LongestIn  string        `json:"longest_in"` // the stage
	Before     Waits         `json:"before_up"`
	Since      Waits         `json:"since_up"`
	Selected   int64         `json:"selected"`
	Inserted   int64         `json:"inserted"`
	OwnKeys    int64         `json:"inserted_own_uuid"`
	Updated    int64         `json:"updated"`
	Deleted    int64         `json:"deleted"`
	LookedUp   int64         `json:"looked_up_by_uuid"`
}

func (f Figures) first() string {
	if len(f.Errors) == 0 {
		return "without an error text"
	}
	return f.Errors[0]
}

// mostErrors is the maximum number of error texts that are kept.
const mostErrors = 5

// counters count what all connections do.
type counters struct {
	mu     sync.Mutex
	stage  string
	sum    Figures
	before histogram
	since  histogram
}

// enter sets the current stage.
func (t *counters) enter(stage string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stage = stage
}

// during returns the current stage.
func (t *counters) during() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stage
}

// done counts a statement. wrong describes a difference from the application's record, or is "".
func (t *counters) done(verb verb, table string, wait time.Duration, wrong string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Statements++
	waits := &t.since
	if t.stage == "before" {
		waits = &t.before
	}
	waits.add(wait)
	if wait > t.sum.Longest {
		t.sum.Longest, t.sum.LongestOf, t.sum.LongestIn = wait, string(verb)+" "+table, t.stage
	}
	switch {
	case err != nil:
		t.sum.Failed++
		t.note(fmt.Sprintf("%s %s, during %s: %v", verb, table, t.stage, err))
	case wrong != "":
		t.sum.Wrong++
		t.note(fmt.Sprintf("%s %s, during %s: %s", verb, table, t.stage, wrong))
	default:
		t.count(verb)
	}
}

func (t *counters) note(text string) {
	if len(t.sum.Errors) < mostErrors {
		t.sum.Errors = append(t.sum.Errors, text)
	}
}

func (t *counters) count(v verb) {
	switch v {
	case selecting:
		t.sum.Selected++
	case inserting:
		t.sum.Inserted++
	case insertingKey:
		t.sum.Inserted++
		t.sum.OwnKeys++
	case updating:
		t.sum.Updated++
	case deleting:
		t.sum.Deleted++
	case finding:
		t.sum.LookedUp++
	}
}

// figures returns the current figures.
func (t *counters) figures() Figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.sum
	f.Errors = append([]string(nil), t.sum.Errors...)
	f.Before, f.Since = t.before.waits(), t.since.waits()
	return f
}

func (h *histogram) waits() Waits {
	return Waits{Statements: h.count, Median: h.quantile(0.5), P99: h.quantile(0.99), Longest: h.longest}
}
