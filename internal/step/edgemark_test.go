package step_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

const (
	wiredMark  = `[rekey 2: edge, not finished {"of":["app","orders"],"column":"user_id","parent":["app","users"],"key":"id","mirrors":"orders_user_id_fkey","constraint":"orders_user_uuid_fkey","function":["app","rekey_orders_user_id"],"indexes":["orders_user_uuid_idx"]}]`
	linkedMark = `[rekey 2: edge {"of":["app","orders"],"column":"user_id","parent":["app","users"],"key":"id","mirrors":"orders_user_id_fkey","constraint":"orders_user_uuid_fkey","function":["app","rekey_orders_user_id"],"indexes":["orders_user_uuid_idx"]}]`
)

func markedEdge() step.Edge {
	orders := sqltext.Table{Schema: "app", Name: "orders"}
	return step.Edge{
		Child: sqltext.Table{Schema: "app", Name: "orders", Only: true}, Parent: sqltext.Table{Schema: "app", Name: "users"},
		Column: "user_id", Key: "id", UUID: "user_uuid", ParentUUID: "uuid", Constraint: "orders_user_uuid_fkey",
		Reference: catalog.ForeignKey{Name: "orders_user_id_fkey"},
		Function:  sqltext.Table{Schema: "app", Name: "rekey_orders_user_id"},
		Twins:     []step.IndexTwin{{Table: orders, Name: "orders_user_uuid_idx"}, {Table: orders, Name: "existing_idx"}},
	}
}

func wiredEdgeMark() step.EdgeMark {
	return step.EdgeMark{
		Child: sqltext.Table{Schema: "app", Name: "orders"}, Column: "user_id", Parent: sqltext.Table{Schema: "app", Name: "users"}, Key: "id",
		Reference: "orders_user_id_fkey", Constraint: "orders_user_uuid_fkey",
		Function: sqltext.Table{Schema: "app", Name: "rekey_orders_user_id"}, Indexes: []string{"orders_user_uuid_idx"},
	}
}

func childWith(comment string) *catalog.Table {
	return &catalog.Table{
		Schema: "app", Name: "orders", Indexes: []catalog.Index{{Name: "existing_idx"}},
		Columns: []catalog.Column{{Name: "user_uuid", Comment: &comment}},
	}
}

// A mark lists the objects that up makes, not those that have their names already.
func TestEdgeMark(t *testing.T) {
	e := markedEdge()
	parent := &catalog.Table{Indexes: []catalog.Index{{Name: "users_uuid_tenant_idx"}}}
	if diff := cmp.Diff(wiredEdgeMark(), e.Mark(childWith(""), parent)); diff != "" {
		t.Error(diff)
	}
	e.ParentIndex = "users_uuid_tenant_idx"
	if m := e.Mark(childWith(""), parent); m.ParentIndex != "" {
		t.Errorf("lists the parent's own index %s", m.ParentIndex)
	}
	if m := e.Mark(childWith(""), &catalog.Table{}); m.ParentIndex != e.ParentIndex {
		t.Errorf("parent's index %q, want %s", m.ParentIndex, e.ParentIndex)
	}
	e.Reference = catalog.ForeignKey{}
	if m := e.Mark(childWith(""), parent); m.Reference+m.Constraint != "" {
		t.Errorf("a reference without a constraint has %q and gets %q", m.Reference, m.Constraint)
	}
}

func TestEdgeMarkComment(t *testing.T) {
	text := "the buyer"
	m := wiredEdgeMark()
	wired := m.Comment(&text)
	if diff := cmp.Diff("the buyer\n"+wiredMark, wired); diff != "" {
		t.Error(diff)
	}
	m.Finished = true
	linked := m.Comment(&wired)
	if diff := cmp.Diff("the buyer\n"+linkedMark, linked); diff != "" {
		t.Error(diff)
	}
	if plain := step.PlainEdgeComment(&linked); plain != text {
		t.Errorf("without its mark the comment is %q", plain)
	}
	if plain := step.PlainEdgeComment(nil); plain != "" {
		t.Errorf("without a comment: %q", plain)
	}
}

func TestReadEdgeMark(t *testing.T) {
	linked := wiredEdgeMark()
	linked.Finished = true
	edited := step.EdgeMark{Unreadable: true}
	for name, c := range map[string]struct {
		comment string
		origin  step.Origin
		mark    step.EdgeMark
	}{
		"no mark":               {"the buyer", step.Untouched, step.EdgeMark{}},
		"wired":                 {"the buyer\n" + wiredMark, step.Made, wiredEdgeMark()},
		"linked":                {linkedMark + " more", step.Made, linked},
		"the last mark counts":  {wiredMark + linkedMark, step.Made, linked},
		"of another table":      {strings.Replace(wiredMark, `["app","orders"]`, `["app","template"]`, 1), step.Untouched, step.EdgeMark{}},
		"of another column":     {strings.Replace(wiredMark, `"column":"user_id"`, `"column":"buyer_id"`, 1), step.Untouched, step.EdgeMark{}},
		"dots in names":         {strings.Replace(wiredMark, `["app","orders"]`, `["app.orders",""]`, 1), step.Found, edited},
		"edited: no JSON":       {`[rekey 2: edge {"of":app}]`, step.Found, edited},
		"edited: no end":        {strings.TrimSuffix(wiredMark, "]"), step.Found, edited},
		"edited: a name less":   {`[rekey 2: edge {"of":["app","orders"]}]`, step.Found, edited},
		"edited: another shape": {`[rekey 2: edge {"of":["app","orders","x"]}]`, step.Found, edited},
		"mark of a table":       {`[rekey: made {"of":"app.orders","index":"orders_uuid_idx"}]`, step.Untouched, step.EdgeMark{}},
		"a newer format":        {`[rekey 3: edge {"of":["app","orders"]}]`, step.Found, step.EdgeMark{Newer: 3}},
		"a newer kind":          {`[rekey 12: key]`, step.Found, step.EdgeMark{Newer: 12}},
		"newer beside known":    {linkedMark + "[rekey 3: switched]", step.Found, step.EdgeMark{Newer: 3}},
	} {
		origin, mark := markedEdge().ReadMark(childWith(c.comment))
		if diff := cmp.Diff(c.mark, mark); origin != c.origin || diff != "" {
			t.Errorf("%s: origin %d, want %d; mark (-want +got)\n%s", name, origin, c.origin, diff)
		}
	}
	if origin, _ := markedEdge().ReadMark(&catalog.Table{}); origin != step.Absent {
		t.Errorf("without the column: origin %d", origin)
	}
}
