package plan

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

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

// TestParentSchemas checks that the marks of edges name the other schemas that have parents.
func TestParentSchemas(t *testing.T) {
	edge := func(name, schema string) catalog.Column {
		mark := step.EdgeMark{
			Child: named("t"), Column: name, Key: "id", Parent: sqltext.Table{Schema: schema, Name: "users"}, Constraint: name + "_fkey",
			Function: sqltext.Table{Schema: "app", Name: "rekey_" + name},
		}.Comment(nil)
		return catalog.Column{Name: name + "_uuid", Type: "uuid", Comment: &mark}
	}
	s := schemaRun(onTable(func(t *catalog.Table) {
		for _, c := range []catalog.Column{edge("z", "zoo"), edge("a", "crm"), edge("b", "crm"), edge("c", "app")} {
			addColumn(t, c)
		}
	}))
	if got := ParentSchemas(s.Schema); !slices.Equal(got, []string{"crm", "zoo"}) || !HasEdges(s.Schema) {
		t.Errorf("the schemas are %v", got)
	}
	if none := schemaRun().Schema; ParentSchemas(none) != nil || HasEdges(none) {
		t.Error("edges without a mark")
	}
}
