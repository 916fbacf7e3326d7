package steptest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/step"
)

// ErrCut is how a run ends that was cut.
var ErrInterrupted = errors.New("cut")

// Before is asked before every action of a run; its error ends the run there.
type BeforeAction func(step.ID, step.Action) error

// Subject is a database with a way up and a way down.
type Subject struct {
	Up, Down func(context.Context, BeforeAction) error
	Fingerprint    func(context.Context) ([]string, error)
	// Values are those of the column by row, "" for NULL; nil when there is no column.
	Values func(context.Context) (map[int64]string, error)
	// Reset gives back what down leaves on purpose: the values that a found column got.
	Reset func(context.Context) error
	// Whole proves that the way up has reached its end.
	IsComplete func(context.Context) error
	// Tear does a part of a Fill or a Concurrently, as a crash in its middle would leave it. The other
	// actions are one transaction each, and have no middle.
	Interrupt func(context.Context, step.Action) error
}

// court is one subject on trial.
type lawTest struct {
	Subject
	t      testing.TB
	base   []string         // the shape before everything
	complete  []string         // the shape of an uncut way up
	values map[int64]string // of the base
}

// Laws runs the laws on a subject: cut before every action, and in the middle of those that have one,
// on the way up and on the way down.
func Laws(t *testing.T, s Subject) {
	c := &lawTest{Subject: s, t: t}
	c.base, c.values = c.fingerprint(), c.readValues()
	up := c.run("up", c.Up)
	c.complete = c.fingerprint()
	if diff := cmp.Diff(c.base, c.complete); diff == "" {
		t.Fatal("up has changed nothing")
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
	for k := range max(len(ups), len(downs)) {
		c.testUp(ups, k)
		c.testDown(downs, k)
	}
}

// cut is one place at which a way is cut.
type interruption struct {
	at   int
	within bool // in the middle of the action, not before it
	name string
}

// cuts are all places at which a way can be cut.
func interruptions(way string, actions []action) (all []interruption) {
	for k, a := range actions {
		all = append(all, interruption{at: k, name: way + " cut before " + a.name})
		if a.divisible {
			all = append(all, interruption{at: k, within: true, name: way + " cut within " + a.name})
		}
	}
	return all
}

// there goes up from the base, by way of the k-th cut if there is one: a cut way up is taken back to where it began, and goes
// on to the same end.
func (c *lawTest) testUp(cuts []interruption, k int) {
	c.reset()
	if k >= len(cuts) {
		c.run("up", c.Up)
		return
	}
	at := cuts[k]
	c.interrupt(at, c.Up)
	c.run(at.name+", down", c.Down)
	c.isOriginal(at.name + ", down")
	c.doesNothing(at.name+", down, down", c.Down)
	c.reset()
	c.interrupt(at, c.Up)
	c.run(at.name+", up", c.Up)
	c.isComplete(at.name + ", up")
}

// back goes down from the whole, by way of the k-th cut if there is one: a cut way down may be turned, and goes on to its end.
func (c *lawTest) testDown(cuts []interruption, k int) {
	if k >= len(cuts) {
		c.run("down", c.Down)
		c.isOriginal("down")
		return
	}
	at := cuts[k]
	c.interrupt(at, c.Down)
	c.run(at.name+", up", c.Up)
	c.hasFinalFingerprint(at.name + ", up")
	c.interrupt(at, c.Down)
	c.run(at.name+", down", c.Down)
	c.isOriginal(at.name + ", down")
	c.doesNothing(at.name+", down, down", c.Down)
}

// taken is an action that a run took.
type action struct {
	name string
	divisible bool // it has a middle
}

// run goes a way to its end and tells which actions it took.
func (c *lawTest) run(name string, way func(context.Context, BeforeAction) error) []action {
	c.t.Helper()
	var actions []action
	err := way(c.t.Context(), func(id step.ID, a step.Action) error {
		actions = append(actions, describe(id, a))
		return nil
	})
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	return actions
}

func (c *lawTest) doesNothing(name string, way func(context.Context, BeforeAction) error) {
	c.t.Helper()
	if actions := c.run(name, way); len(actions) > 0 {
		c.t.Errorf("%s: it should have nothing to do, and did %v", name, actions)
	}
}

// cut ends a way before an action, or in the middle of it.
func (c *lawTest) interrupt(at interruption, way func(context.Context, BeforeAction) error) {
	c.t.Helper()
	n := 0
	err := way(c.t.Context(), func(_ step.ID, a step.Action) error {
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
		c.t.Fatalf("%s: not cut: %v", at.name, err)
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
		c.t.Errorf("%s: another end than of an uncut way up (-want +got)\n%s", name, diff)
	}
}

func (c *lawTest) isOriginal(name string) {
	c.t.Helper()
	if diff := cmp.Diff(c.base, c.fingerprint()); diff != "" {
		c.t.Fatalf("%s: not as it was before (-want +got)\n%s", name, diff)
	}
	c.keepsValues(name)
}

// kept proves that no value of the base was changed: the application may have handed it out.
func (c *lawTest) keepsValues(name string) {
	c.t.Helper()
	now := c.readValues()
	for row, value := range c.values {
		if value != "" && now[row] != value {
			c.t.Errorf("%s: row %d had %s and has %q", name, row, value, now[row])
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
	t := action{name: fmt.Sprintf("%s %T %q", id, a, step.SQL(a))}
	switch a.(type) {
	case step.Fill, step.Concurrently:
		t.divisible = true
	}
	return t
}
