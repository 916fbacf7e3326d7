package step_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// Triggers that were created again in another way, or after the edge's own.
func TestAlteredTriggers(t *testing.T) {
	e := edge()
	trigger := func(change func(*catalog.Trigger)) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) {
			for i := range child.Triggers {
				change(&child.Triggers[i])
			}
		}
	}
	withDefault := edge(func(e *step.Edge) { e.Default = &step.EdgeDefault{Key: "1", UUID: "u"} })
	defaults := func(text string) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) { child.Columns[1].Default = text }
	}
	const dropColumn = dropsWired + "ALTER TABLE app.c DROP COLUMN p_uuid"
	testEdges(t, map[string]edgeCase{
		"triggers that call another function": {step.WireEdge{Edge: e}, edgeView(e, 1, trigger(func(t *catalog.Trigger) { t.FunctionName = "other" })), false, []string{"app.c ACCESS EXCLUSIVE : DROP TRIGGER ~rekey_p_id_i ON app.c; DROP TRIGGER ~rekey_p_id_u ON app.c; " + dropFunction + "; " + makeFunction + "; " + private + "; " + insertTrigger + "; " + updateTrigger}, []string{dropColumn}},
		"a function of a stranger":            {step.WireEdge{Edge: e}, edgeView(e, 1, trigger(func(t *catalog.Trigger) { t.FunctionOwner = "mallory" })), false, []string{"app.c ACCESS EXCLUSIVE : DROP TRIGGER ~rekey_p_id_i ON app.c; DROP TRIGGER ~rekey_p_id_u ON app.c; " + makeFunction + "; " + private + "; " + insertTrigger + "; " + updateTrigger}, []string{dropColumn}},
		"a default since":                     {step.WireEdge{Edge: withDefault}, edgeView(withDefault, 1), false, []string{"app.c ACCESS EXCLUSIVE : ALTER TABLE app.c ALTER COLUMN p_uuid SET DEFAULT"}, []string{dropColumn}},
		"another default":                     {step.WireEdge{Edge: withDefault}, edgeView(withDefault, 1, defaults("'v'::uuid")), false, []string{"app.c ACCESS EXCLUSIVE : ALTER TABLE app.c ALTER COLUMN p_uuid SET DEFAULT"}, []string{dropColumn}},
		"no default any more":                 {step.WireEdge{Edge: e}, edgeView(e, 1, defaults("'u'::uuid")), false, []string{"app.c ACCESS EXCLUSIVE : ALTER TABLE app.c ALTER COLUMN p_uuid DROP DEFAULT"}, []string{dropColumn}},
		"triggers of other times":             {step.WireEdge{Edge: e}, edgeView(e, 1, trigger(func(t *catalog.Trigger) { t.Of = []string{"p_id"} })), false, []string{"app.c ACCESS EXCLUSIVE : DROP TRIGGER ~rekey_p_id_i ON app.c; DROP TRIGGER ~rekey_p_id_u ON app.c; " + insertTrigger + "; " + updateTrigger}, []string{dropColumn}},
		"a trigger that fires later": {step.WireEdge{Edge: e}, edgeView(e, 1, func(child, _ *catalog.Table) {
			child.Triggers = append(child.Triggers, catalog.Trigger{Name: "~~late", Row: true, Before: true, OnInsert: true, Enabled: "O"}, catalog.Trigger{Name: "~~off", Row: true, Before: true, OnInsert: true, Enabled: "D"})
		}), false, nil, []string{dropColumn}},
		"an AFTER trigger too many": {step.WireEdge{Edge: e}, edgeView(e, 1, func(child, _ *catalog.Table) {
			child.Triggers = append(child.Triggers, child.Triggers[0])
			child.Triggers[2].Name = "~rekey_p_id_l"
		}), false, []string{"app.c ACCESS EXCLUSIVE : DROP TRIGGER ~rekey_p_id_l ON app.c"}, []string{strings.Replace(dropColumn, "; DO", "; DROP TRIGGER ~rekey_p_id_l ON app.c; DO", 1)}},
	})
	deferrable := edge(late, func(e *step.Edge) { e.Reference.Deferrable = true })
	immediate := edgeView(deferrable, 1, trigger(func(t *catalog.Trigger) { t.Deferrable, t.Deferred = false, false }))
	if got := heads(step.WireEdge{Edge: deferrable}.Apply(immediate)); len(got) != 1 || !strings.Contains(got[0], "DROP TRIGGER ~rekey_p_id_l ON app.c; CREATE CONSTRAINT TRIGGER ~rekey_p_id_l") {
		t.Errorf("an AFTER trigger that is not deferred: %q", got)
	}
}

// The AFTER trigger of an edge fires the child's triggers as the owner of the parent.
func TestUnsound(t *testing.T) {
	child := func(change func(*catalog.Table)) *catalog.Table {
		c := &catalog.Table{Name: "c", Owner: "boss", Below: []catalog.Table{{Name: "c1", Owner: "boss"}}}
		change(c)
		return c
	}
	for name, c := range map[string]struct {
		child *catalog.Table
		want  string
	}{
		"sound":                   {child(func(*catalog.Table) {}), ""},
		"another owner":           {child(func(c *catalog.Table) { c.Owner = "mallory" }), "as boss"},
		"another owner below":     {child(func(c *catalog.Table) { c.Below[0].Owner = "mallory" }), "as boss"},
		"forced policies":         {child(func(c *catalog.Table) { c.RowSecurity, c.ForceRowSecurity = true, true }), "as boss"},
		"an owner above policies": {child(func(c *catalog.Table) { c.RowSecurity, c.ForceRowSecurity, c.OwnerBypassesRLS = true, true, true }), ""},
		"a later trigger": {child(func(c *catalog.Table) {
			c.Below[0].Triggers = []catalog.Trigger{{Name: "~~", Row: true, Before: true, OnUpdate: true}}
		}), "~~"},
		"a later trigger of rekey": {child(func(c *catalog.Table) {
			c.Triggers = []catalog.Trigger{{Name: "~rekey_z_u", Row: true, Before: true, OnUpdate: true}}
		}), ""},
	} {
		if got := edge(late).Unsound(c.child, nil); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	other := child(func(c *catalog.Table) { c.Owner = "mallory" })
	if got := edge().Unsound(other, &catalog.Table{}); got != "" {
		t.Errorf("without an AFTER trigger: %q", got)
	}
	if got := edge().Unsound(other, &catalog.Table{RowSecurity: true, ForceRowSecurity: true}); !strings.Contains(got, "app.p") {
		t.Errorf("with a hidden parent: %q", got)
	}
}
