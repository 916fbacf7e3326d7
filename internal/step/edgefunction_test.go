package step_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// The function has only the parts that its edge needs. What it does is tested on servers, in package steptest.
func TestEdgeFunction(t *testing.T) {
	self := func(e *step.Edge) { e.Parent = e.Child }
	withDefault := func(uuid string) func(*step.Edge) {
		return func(e *step.Edge) { e.Default = &step.EdgeDefault{Key: "1", UUID: uuid} }
	}
	braces := edge(composite, late, self, withDefault("u"), func(e *step.Edge) {
		e.Column, e.UUID, e.Constraint, e.Row = "{key}", "{child}", "{owner}", []string{"t", "{key}"}
	})
	if strings.Contains(braces.FunctionBody(), `"NEW`) {
		t.Error("a name in braces was replaced in\n" + braces.FunctionBody())
	}
	bare := edge(late, func(e *step.Edge) { e.Reference, e.Constraint = catalog.ForeignKey{}, "" })
	for name, c := range map[string]struct {
		edge        step.Edge
		has, hasNot string
	}{
		"required":            {edge(), "CONSTRAINT = 'k'", "TG_WHEN"},
		"child first":         {edge(late), "c.\"id\" OPERATOR(pg_catalog.=) NEW.\"id\"", "CONSTRAINT = 'k',"},
		"itself":              {edge(self), "NEW.\"p_id\" OPERATOR(pg_catalog.=) NEW.\"id\"", "TG_WHEN"},
		"a default":           {edge(withDefault("u")), "IS DISTINCT FROM 'u'::pg_catalog.uuid", "IS DISTINCT FROM NULL"},
		"a default alone":     {edge(withDefault("")), "IS DISTINCT FROM NULL", "'u'"},
		"composite":           {edge(composite), "AND NEW.\"t\" IS NOT NULL", "TG_WHEN"},
		"no foreign key":      {bare, "refers to no row of table", "violates foreign key"},
		"ONLY for the parent": {edge(), "FROM ONLY \"app\".\"p\" p", "FROM \"app\".\"p\""},
	} {
		body := c.edge.FunctionBody()
		if !strings.Contains(body, c.has) || strings.Contains(body, c.hasNot) {
			t.Errorf("%s: want %s, and not %s, in\n%s", name, c.has, c.hasNot, body)
		}
	}
	for kind, deferrable := range map[string]bool{"CREATE TRIGGER": false, "CREATE CONSTRAINT TRIGGER": true} {
		e := edge(late, func(e *step.Edge) { e.Reference.Deferrable = deferrable })
		sql := step.WireEdge{Edge: e}.Apply(edgeView(e, 0))[0].SQL()
		if last := sql[len(sql)-1]; !strings.HasPrefix(last, kind+" \"~rekey_p_id_l\" AFTER INSERT OR UPDATE") {
			t.Error(last)
		}
	}
}
