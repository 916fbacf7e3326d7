package steptest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/step"
)

// ErrInterrupted is the error of a run that Laws interrupted.
var ErrInterrupted = errors.New("interrupted by the test")

// BeforeAction is called before every action of a run. Its error ends the run.
type BeforeAction func(step.ID, step.Action) error

// Subject is a database with functions that run up and down on it.
type Subject struct {
	Up, Down    func(context.Context, BeforeAction) error
	Fingerprint func(context.Context) ([]string, error)
	// Values returns the values of the column by row, "" for NULL; nil if there is no column.
	Values func(context.Context) (map[int64]string, error)
	// Reset removes what down leaves on purpose: the values that up wrote into an existing column.
	Reset func(context.Context) error
	// IsComplete returns an error if up has not reached its goal.
	IsComplete func(context.Context) error
	// Interrupt does a part of a Fill or a Concurrently, as a crash during the action does. Every other action is one
	// transaction.
	Interrupt func(context.Context, step.Action) error
	// Repeats says that each action is repeated for several tables, as in a tree. After an interruption only one of up and down is tried
	// then, chosen at random but in each run alike: the other one is tried at the same action of another table.
	Repeats bool
}

// lawTest tests one subject.
type lawTest struct {
	Subject
	t        testing.TB
	base     []string         // fingerprint before up
	complete []string         // fingerprint after an uninterrupted up
	values   map[int64]string // values before up
}

// Laws tests the laws on a subject. It interrupts up and down before every action, and within each action that is not one
// transaction.
func Laws(t *testing.T, s Subject) {
	c := &lawTest{Subject: s, t: t}
	c.base, c.values = c.fingerprint(), c.readValues()
	up := c.run("up", c.Up)
	c.complete = c.fingerprint()
	if diff := cmp.Diff(c.base, c.complete); diff == "" {
		t.Fatal("up changed nothing")
	}
	c.isComplete("up")
	c.doesNothing("up again", c.Up)
	down := c.run("down", c.Down)
	c.isOriginal("up, down")
	c.doesNothing("down again", c.Down)
	if len(up) == 0 || len(down) == 0 {
		t.Fatalf("%d actions up, %d down: the laws prove nothing", len(up), len(down))
	}
	ups, downs := interruptions("up", up), interruptions("down", down)
	if s.Repeats && !everything() {
		c.testHalf(ups, downs)
		return
	}
	for k := range max(len(ups), len(downs)) {
		c.testUp(ups, k)
		c.testDown(downs, k)
	}
}

// everything reports whether the laws are tested in full, which takes minutes.
func everything() bool { return os.Getenv("REKEY_ACCEPTANCE") != "" }

// testHalf tries only up or only down after each interruption.
func (c *lawTest) testHalf(ups, downs []interruption) {
	random := rand.New(rand.NewPCG(1, 1))
	split := func(all []interruption) (on, back []interruption) {
		for _, at := range all {
			if random.IntN(2) == 0 {
				on = append(on, at)
			} else {
				back = append(back, at)
			}
		}
		return on, back
	}
	upOn, upBack := split(ups)
	downOn, downBack := split(downs)
	for _, at := range upBack {
		c.reset()
		c.interrupt(at, c.Up)
		c.run(at.name+", down", c.Down)
		c.isOriginal(at.name + ", down")
	}
	for k := range max(len(upOn), len(downOn)) { // from one end to the other
		c.reset()
		if k < len(upOn) {
			c.interrupt(upOn[k], c.Up)
		}
		c.run("up", c.Up)
		c.isComplete(nameOf(upOn, k, "up"))
		if k < len(downOn) {
			c.interrupt(downOn[k], c.Down)
		}
		c.run("down", c.Down)
		c.isOriginal(nameOf(downOn, k, "down"))
	}
	c.reset()
	c.run("up", c.Up)
	for _, at := range downBack {
		c.interrupt(at, c.Down)
		c.run(at.name+", up", c.Up)
		c.hasFinalFingerprint(at.name + ", up")
	}
}

// nameOf names the k-th interruption and the direction that follows.
func nameOf(all []interruption, k int, direction string) string {
	if k < len(all) {
		return all[k].name + ", " + direction
	}
	return direction
}

// interruption is one point at which up or down is interrupted.
type interruption struct {
	at     int  // number of actions before it
	within bool // during the action, not before it
	name   string
}

// interruptions returns all points at which up or down can be interrupted.
func interruptions(direction string, actions []action) (all []interruption) {
	for k, a := range actions {
		all = append(all, interruption{at: k, name: direction + " interrupted before " + a.name})
		if a.divisible {
			all = append(all, interruption{at: k, within: true, name: direction + " interrupted within " + a.name})
		}
	}
	return all
}

// testUp runs up from the base, with the k-th interruption if there is one. After it, down must restore the base, and up must
// reach the same end.
func (c *lawTest) testUp(all []interruption, k int) {
	c.reset()
	if k >= len(all) {
		c.run("up", c.Up)
		return
	}
	at := all[k]
	c.interrupt(at, c.Up)
	c.run(at.name+", down", c.Down)
	c.isOriginal(at.name + ", down")
	c.reset()
	c.interrupt(at, c.Up)
	c.run(at.name+", up", c.Up)
	c.isComplete(at.name + ", up")
}

// testDown runs down from the complete state, with the k-th interruption if there is one. After it, up must reach the same
// end, and down must restore the base.
func (c *lawTest) testDown(all []interruption, k int) {
	if k >= len(all) {
		c.run("down", c.Down)
		c.isOriginal("down")
		return
	}
	at := all[k]
	c.interrupt(at, c.Down)
	c.run(at.name+", up", c.Up)
	c.hasFinalFingerprint(at.name + ", up")
	c.interrupt(at, c.Down)
	c.run(at.name+", down", c.Down)
	c.isOriginal(at.name + ", down")
	if k == 0 || k == len(all)-1 { // after the others the state is the same, and only the journal differs
		c.doesNothing(at.name+", down, down", c.Down)
	}
}

// action is an action of a run.
type action struct {
	name      string
	divisible bool // it is not one transaction
}

// run runs up or down to its end and returns its actions.
func (c *lawTest) run(name string, direction func(context.Context, BeforeAction) error) []action {
	c.t.Helper()
	var actions []action
	err := direction(c.t.Context(), func(id step.ID, a step.Action) error {
		actions = append(actions, describe(id, a))
		return nil
	})
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	return actions
}

func (c *lawTest) doesNothing(name string, direction func(context.Context, BeforeAction) error) {
	c.t.Helper()
	if actions := c.run(name, direction); len(actions) > 0 {
		c.t.Errorf("%s: ran %v, want no action", name, actions)
	}
}

// interrupt ends up or down at an interruption.
func (c *lawTest) interrupt(at interruption, direction func(context.Context, BeforeAction) error) {
	c.t.Helper()
	n := 0
	err := direction(c.t.Context(), func(_ step.ID, a step.Action) error {
		if n++; n <= at.at {
			return nil
		}
		if at.within {
			if err := c.Interrupt(c.t.Context(), a); err != nil {
				return err
			}
		}
		return ErrInterrupted
	})
	if !errors.Is(err, ErrInterrupted) {
		c.t.Fatalf("%s: not interrupted: %v", at.name, err)
	}
}

func (c *lawTest) isComplete(name string) {
	c.t.Helper()
	c.hasFinalFingerprint(name)
	if err := c.IsComplete(c.t.Context()); err != nil {
		c.t.Errorf("%s: %v", name, err)
	}
	c.keepsValues(name)
}

func (c *lawTest) hasFinalFingerprint(name string) {
	c.t.Helper()
	if diff := cmp.Diff(c.complete, c.fingerprint()); diff != "" {
		c.t.Errorf("%s: differs from an uninterrupted up (-want +got)\n%s", name, diff)
	}
}

func (c *lawTest) isOriginal(name string) {
	c.t.Helper()
	if diff := cmp.Diff(c.base, c.fingerprint()); diff != "" {
		c.t.Fatalf("%s: differs from the state before up (-want +got)\n%s", name, diff)
	}
	c.keepsValues(name)
}

// keepsValues fails if a value from before up was changed: the application may have passed it on.
func (c *lawTest) keepsValues(name string) {
	c.t.Helper()
	now := c.readValues()
	for row, value := range c.values {
		if value != "" && now[row] != value {
			c.t.Errorf("%s: row %d: %q, want %s as before", name, row, now[row], value)
		}
	}
}

func (c *lawTest) fingerprint() []string {
	c.t.Helper()
	lines, err := c.Fingerprint(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return lines
}

func (c *lawTest) readValues() map[int64]string {
	c.t.Helper()
	values, err := c.Values(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return values
}

func (c *lawTest) reset() {
	c.t.Helper()
	if err := c.Reset(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func describe(id step.ID, a step.Action) action {
	return action{name: fmt.Sprintf("%s %T %q", id, a, a.SQL()), divisible: !a.Atomic()}
}
