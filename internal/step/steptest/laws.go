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
var ErrCut = errors.New("cut")

// Before is asked before every action of a run; its error ends the run there.
type Before func(step.ID, step.Action) error

// Subject is a database with a way up and a way down.
type Subject struct {
	Up, Down func(context.Context, Before) error
	Shape    func(context.Context) ([]string, error)
	// Values are those of the column by row, "" for NULL; nil when there is no column.
	Values func(context.Context) (map[int64]string, error)
	// Reset gives back what down leaves on purpose: the values that a found column got.
	Reset func(context.Context) error
	// Whole proves that the way up has reached its end.
	Whole func(context.Context) error
	// Tear does a part of a Fill or a Concurrently, as a crash in its middle would leave it. The other
	// actions are one transaction each, and have no middle.
	Tear func(context.Context, step.Action) error
}

// court is one subject on trial.
type court struct {
	Subject
	t      testing.TB
	base   []string         // the shape before everything
	whole  []string         // the shape of an uncut way up
	values map[int64]string // of the base
}

// Laws runs the laws on a subject: cut before every action, and in the middle of those that have one,
// on the way up and on the way down.
func Laws(t *testing.T, s Subject) {
	c := &court{Subject: s, t: t}
	c.base, c.values = c.shape(), c.look()
	up := c.run("up", c.Up)
	c.whole = c.shape()
	if diff := cmp.Diff(c.base, c.whole); diff == "" {
		t.Fatal("up has changed nothing")
	}
	c.isWhole("up")
	c.idle("up again", c.Up)
	down := c.run("down", c.Down)
	c.isBase("up, down")
	c.idle("down again", c.Down)
	if len(up) == 0 || len(down) == 0 {
		t.Fatalf("%d actions up, %d down: the laws prove nothing", len(up), len(down))
	}
	ups, downs := cuts("up", up), cuts("down", down)
	for k := range max(len(ups), len(downs)) {
		c.there(ups, k)
		c.back(downs, k)
	}
}

// cut is one place at which a way is cut.
type cut struct {
	at   int
	torn bool // in the middle of the action, not before it
	name string
}

// cuts are all places at which a way can be cut.
func cuts(way string, actions []taken) (all []cut) {
	for k, a := range actions {
		all = append(all, cut{at: k, name: way + " cut before " + a.name})
		if a.torn {
			all = append(all, cut{at: k, torn: true, name: way + " cut within " + a.name})
		}
	}
	return all
}

// there goes up from the base, by way of the k-th cut if there is one: a cut way up is taken back to where it began, and goes
// on to the same end.
func (c *court) there(cuts []cut, k int) {
	c.reset()
	if k >= len(cuts) {
		c.run("up", c.Up)
		return
	}
	at := cuts[k]
	c.cut(at, c.Up)
	c.run(at.name+", down", c.Down)
	c.isBase(at.name + ", down")
	c.idle(at.name+", down, down", c.Down)
	c.reset()
	c.cut(at, c.Up)
	c.run(at.name+", up", c.Up)
	c.isWhole(at.name + ", up")
}

// back goes down from the whole, by way of the k-th cut if there is one: a cut way down may be turned, and goes on to its end.
func (c *court) back(cuts []cut, k int) {
	if k >= len(cuts) {
		c.run("down", c.Down)
		c.isBase("down")
		return
	}
	at := cuts[k]
	c.cut(at, c.Down)
	c.run(at.name+", up", c.Up)
	c.isShaped(at.name + ", up")
	c.cut(at, c.Down)
	c.run(at.name+", down", c.Down)
	c.isBase(at.name + ", down")
	c.idle(at.name+", down, down", c.Down)
}

// taken is an action that a run took.
type taken struct {
	name string
	torn bool // it has a middle
}

// run goes a way to its end and tells which actions it took.
func (c *court) run(name string, way func(context.Context, Before) error) []taken {
	c.t.Helper()
	var actions []taken
	err := way(c.t.Context(), func(id step.ID, a step.Action) error {
		actions = append(actions, take(id, a))
		return nil
	})
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	return actions
}

func (c *court) idle(name string, way func(context.Context, Before) error) {
	c.t.Helper()
	if actions := c.run(name, way); len(actions) > 0 {
		c.t.Errorf("%s: it should have nothing to do, and did %v", name, actions)
	}
}

// cut ends a way before an action, or in the middle of it.
func (c *court) cut(at cut, way func(context.Context, Before) error) {
	c.t.Helper()
	n := 0
	err := way(c.t.Context(), func(_ step.ID, a step.Action) error {
		if n++; n <= at.at {
			return nil
		}
		if at.torn {
			if err := c.Tear(c.t.Context(), a); err != nil {
				return err
			}
		}
		return ErrCut
	})
	if !errors.Is(err, ErrCut) {
		c.t.Fatalf("%s: not cut: %v", at.name, err)
	}
}

func (c *court) isWhole(name string) {
	c.t.Helper()
	c.isShaped(name)
	if err := c.Whole(c.t.Context()); err != nil {
		c.t.Errorf("%s: %v", name, err)
	}
	c.kept(name)
}

func (c *court) isShaped(name string) {
	c.t.Helper()
	if diff := cmp.Diff(c.whole, c.shape()); diff != "" {
		c.t.Errorf("%s: another end than of an uncut way up (-want +got)\n%s", name, diff)
	}
}

func (c *court) isBase(name string) {
	c.t.Helper()
	if diff := cmp.Diff(c.base, c.shape()); diff != "" {
		c.t.Fatalf("%s: not as it was before (-want +got)\n%s", name, diff)
	}
	c.kept(name)
}

// kept proves that no value of the base was changed: the application may have handed it out.
func (c *court) kept(name string) {
	c.t.Helper()
	now := c.look()
	for row, value := range c.values {
		if value != "" && now[row] != value {
			c.t.Errorf("%s: row %d had %s and has %q", name, row, value, now[row])
		}
	}
}

func (c *court) shape() []string {
	c.t.Helper()
	lines, err := c.Shape(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return lines
}

func (c *court) look() map[int64]string {
	c.t.Helper()
	values, err := c.Values(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return values
}

func (c *court) reset() {
	c.t.Helper()
	if err := c.Reset(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func take(id step.ID, a step.Action) taken {
	t := taken{name: fmt.Sprintf("%s %T %q", id, a, step.SQL(a))}
	switch a.(type) {
	case step.Fill, step.Concurrently:
		t.torn = true
	}
	return t
}
