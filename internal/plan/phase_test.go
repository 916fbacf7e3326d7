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

func TestPhaseOf(t *testing.T) {
	all := func(states ...State) []State { return states }
	for name, c := range map[string]struct {
		tables, references []State
		want               Phase
	}{
		"nothing is done":                 {all(Pending, Pending), all(Pending), Integers},
		"one table is done":               {all(Complete, Pending), all(Pending), Integers},
		"one table is half done":          {all(Complete, Incomplete), nil, Integers},
		"one table is refused":            {all(Complete, Refused), nil, Integers},
		"a table behind its references":   {all(Complete, Incomplete), all(Complete), Integers},
		"no table":                        {nil, nil, Expanded},
		"all tables, no references":       {all(Complete, Complete), nil, Expanded},
		"absent and skipped tables":       {all(Complete, Absent, Skipped), nil, Expanded},
		"no reference is linked":          {all(Complete), all(Pending, Pending), Expanded},
		"one reference is linked":         {all(Complete), all(Complete, Pending), Expanded},
		"one reference is wired":          {all(Complete), all(Complete, Incomplete), Expanded},
		"one reference is refused":        {all(Complete), all(Complete, Refused), Expanded},
		"all references are skipped":      {all(Complete), all(Skipped, Skipped), Expanded},
		"all references are linked":       {all(Complete, Skipped), all(Complete, Complete), Linked},
		"linked, and one that is skipped": {all(Complete), all(Complete, Skipped), Linked},
	} {
		if got := PhaseOf(c.tables, c.references, nil); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
