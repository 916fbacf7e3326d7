package screen

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
)

// edgesOf returns edges of texts such as "orders.user_id users".
func edgesOf(texts ...string) (edges []rekey.Edge) {
	for _, text := range texts {
		name, parent, _ := strings.Cut(text, " ")
		table, column, _ := strings.Cut(name, ".")
		edges = append(edges, rekey.Edge{Table: table, Column: column, Parent: parent, Key: "id", State: rekey.Pending, Reached: rekey.EdgeNone})
	}
	return edges
}

func TestGraph(t *testing.T) {
	for name, c := range map[string]struct {
		edges  []rekey.Edge
		order  string
		cycles string
	}{
		"nothing":       {nil, "", ""},
		"a chain":       {edgesOf("c.b_id b", "b.a_id a"), "a b c", ""},
		"a diamond":     {edgesOf("d.b_id b", "d.c_id c", "b.a_id a", "c.a_id a"), "a b c d", ""},
		"itself":        {edgesOf("a.parent_id a"), "a", ""},
		"two edges":     {edgesOf("b.x_id a", "b.y_id a"), "a b", ""},
		"a cycle":       {edgesOf("b.a_id a", "a.b_id b", "c.b_id b"), "a b c", "a b"},
		"cycle's child": {edgesOf("z.a_id a", "b.a_id a", "a.b_id b", "a.r_id r"), "r a b z", "a b"},
		"two cycles":    {edgesOf("b.a_id a", "a.b_id b", "d.c_id c", "c.d_id d", "d.a_id a"), "a b c d", "a b, c d"},
	} {
		g := graphOf(c.edges)
		var cycles []string
		for _, cycle := range g.cycles {
			cycles = append(cycles, strings.Join(cycle, " "))
		}
		if got := strings.Join(g.order, " "); got != c.order {
			t.Errorf("%s: order %q, want %q", name, got, c.order)
		}
		if got := strings.Join(cycles, ", "); got != c.cycles {
			t.Errorf("%s: cycles %q, want %q", name, got, c.cycles)
		}
	}
}
