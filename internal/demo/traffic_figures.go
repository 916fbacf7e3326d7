package demo

import (
	"fmt"
	"sync"
	"time"
)

// Waits are how long the application's statements took from when each was due, which includes the time
// that it stood behind another one on its connection.
type Waits struct {
	Statements int64         `json:"statements"`
	Median     time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	Longest    time.Duration `json:"longest_ns"`
}

// Figures are what the application has done and met.
type Figures struct {
	Statements int64         `json:"statements"`
	Failed     int64         `json:"failed"`
	Wrong      int64         `json:"wrong"`            // found another row than was written, or none
	Errors     []string      `json:"errors,omitempty"` // the first of them
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
		return "it said nothing"
	}
	return f.Errors[0]
}

// mostErrors bounds the texts of errors that are kept.
const mostErrors = 5

// tally counts what all connections do.
type tally struct {
	mu     sync.Mutex
	stage  string
	sum    Figures
	before histogram
	since  histogram
}

// enter names the stage that begins.
func (t *tally) enter(stage string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stage = stage
}

// during is the stage of now.
func (t *tally) during() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stage
}

// done counts a statement. wrong is a finding that contradicts the application's record.
func (t *tally) done(verb verb, table string, wait time.Duration, wrong string, err error) {
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

func (t *tally) note(text string) {
	if len(t.sum.Errors) < mostErrors {
		t.sum.Errors = append(t.sum.Errors, text)
	}
}

func (t *tally) count(v verb) {
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

// figures are those of now.
func (t *tally) figures() Figures {
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
