package plan

import "testing"

func TestGoal(t *testing.T) {
	for _, c := range []struct {
		direction Direction
		asked     Phase
		want      Phase
	}{{Up, "", Expanded}, {Up, Linked, Linked}, {Down, "", Integers}, {Down, Expanded, Expanded}} {
		if got := c.direction.Goal(c.asked); got != c.want {
			t.Errorf("%s to %q: %s, want %s", c.direction, c.asked, got, c.want)
		}
	}
}
