package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// reference returns the input of up for u with a column that refers to t without a foreign key, as named.
func referring(column catalog.Column, r Reference, alter ...func(*Input)) Input {
	s := schemaRun()
	s.Goal = Linked
	addColumn(second(&s), column)
	s.Selection.References = []Reference{r}
	for _, f := range alter {
		f(&s)
	}
	return s
}

func TestReference(t *testing.T) {
	owner := catalog.Column{Name: "t_id", Type: "integer", Length: 4, Alignment: 4}
	p := Build(referring(owner, Reference{"u", "t_id", "t"}))
	l := link(t, p, "u.t_id")
	if e := l.Edge; e.UUID != "t_uuid" || e.Key != "id" || e.Constrained() || e.Required || l.State != Pending || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
	crm := func(s *Input) { elsewhereTable(s) }
	named := func(s *Input) { s.Selection.Parents = []string{"crm"} }
	if p := Build(referring(owner, Reference{"u", "t_id", "crm.t"}, crm, named)); link(t, p, "u.t_id").Edge.Parent.Schema != "crm" || len(p.Refusals) > 0 {
		t.Error(p.Refusals)
	}
	for name, c := range map[string]struct {
		in   Input
		text string
	}{
		"no such table":    {referring(owner, Reference{"x", "t_id", "t"}), "here is no table app.x"},
		"not selected":     {referring(owner, Reference{"t", "t_id", "u"}, func(s *Input) { s.Selection.Filter.Tables = patterns(t, "u") }), "app.t is not selected"},
		"no such column":   {referring(owner, Reference{"u", "x", "t"}), "app.u has no column x"},
		"no such parent":   {referring(owner, Reference{"u", "t_id", "x"}), "here is no table app.x"},
		"a view":           {referring(owner, Reference{"v", "t_id", "t"}, addView), "app.v is a view"},
		"onto a view":      {referring(owner, Reference{"u", "t_id", "v"}, addView), "app.v is a view"},
		"another schema":   {referring(owner, Reference{"u", "t_id", "crm.t"}, crm), "another schema"},
		"no integer key":   {referring(owner, Reference{"u", "t_id", "t"}, onTable(func(t *catalog.Table) { t.Indexes = nil })), "no key of a single integer"},
		"of another type":  {referring(catalog.Column{Name: "t_id", Type: "text"}, Reference{"u", "t_id", "t"}), "t_id is text, and app.t.id is bigint"},
		"with another key": {referring(owner, Reference{"u", "t_id", "u"}, func(s *Input) { addKey(second(s), first(s), []string{"t_id"}, []string{"id"}) }), "foreign key u_t_id_fkey onto app.t"},
	} {
		p := Build(c.in)
		if codes(p.Refusals) != "bad_reference" || !strings.Contains(p.Refusals.Error(), c.text) {
			t.Errorf("%s: %v, want %q", name, p.Refusals, c.text)
		}
	}
	s := referring(owner, Reference{"u", "t_id", "t"})
	s.Policy.SkipRefused, first(&s).Owned = true, false
	if l := link(t, Build(s), "u.t_id"); l.State != Skipped || !strings.HasPrefix(l.Why, "it needs app.t") {
		t.Errorf("%+v", l)
	}
	s = referring(owner, Reference{"u", "t_id", "t"})
	s.Policy.SkipRefused, second(&s).Owned = true, false
	if l := link(t, Build(s), "u.t_id"); l.State != Skipped || l.Why != "its table is refused" {
		t.Errorf("%+v", l)
	}
	s = referring(owner, Reference{"u", "t_id", "t"}, func(s *Input) { s.Selection.Filter.Tables = patterns(t, "u") })
	if l := link(t, Build(s), "u.t_id"); l.State != Skipped || !strings.HasSuffix(l.Why, "not selected") {
		t.Errorf("%+v", l)
	}
}

// switched gives a complete table the primary key on its uuid, and the marked unique index on id.
func switched(table *catalog.Table) {
	mark := step.KeyMark{Table: table.Named(), Primary: table.Name + "_pkey", Columns: []string{"id"}, UUIDs: []string{"uuid"}}
	comment := mark.Comment()
	unique := uniqueIndex(table.Name+"_id_key", "id")
	unique.Comment = &comment
	table.Indexes[0].Columns = []string{"uuid"}
	table.Indexes = append(table.Indexes, unique)
}

// TestReferenceOfSwitched checks that a reference without a foreign key refers to the same column after the switch, and is not
// looked for when contract has dropped it.
func TestReferenceOfSwitched(t *testing.T) {
	owner := catalog.Column{Name: "t_id", Type: "integer", Length: 4, Alignment: 4}
	switchedParent := func(s *Input) {
		complete(s, first(s))
		switched(first(s))
	}
	p := Build(referring(owner, Reference{"u", "t_id", "t"}, switchedParent))
	if l := link(t, p, "u.t_id"); l.Edge.Key != "id" || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
	if key := IntegerKey(&catalog.Table{}); key != "" {
		t.Error(key)
	}
	s := referring(owner, Reference{"u", "t_id", "t"}, switchedParent)
	u := second(&s)
	ended := link(t, p, "u.t_id").Edge.Mark(u, first(&s))
	ended.Contracted = true
	mark := ended.Comment(nil)
	u.Columns = u.Columns[:len(u.Columns)-1]
	addColumn(u, catalog.Column{Name: "t_uuid", Type: "uuid", Length: 16, Alignment: 1, Comment: &mark})
	p = Build(s)
	if l := link(t, p, "u.t_id"); l.Progress != EdgeContracted || l.Ended() != "t_uuid" || l.Missing != nil || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
	ended.Constraint = "u_t_uuid_fkey"
	mark = ended.Comment(nil)
	if l := link(t, Build(s), "u.t_id"); !slices.Equal(l.Missing, []string{"no valid foreign key on t_uuid"}) || l.State != Complete {
		t.Errorf("%+v", l)
	}
	second(&s).ForeignKeys = append(second(&s).ForeignKeys, catalog.ForeignKey{Name: "any", ChildColumns: []string{"t_uuid"}, Validated: true})
	if l := link(t, Build(s), "u.t_id"); l.Missing != nil {
		t.Errorf("%+v", l)
	}
}

// addView adds a view v.
func addView(s *Input) { addTable(s, "v").Kind = catalog.View }

// elsewhereTable adds an expanded table crm.t.
func elsewhereTable(s *Input) {
	refer(second(s), "other_id", first(s))
	elsewhere(s, true)
	second(s).ForeignKeys, second(s).Constraints = nil, nil
}

func TestCandidates(t *testing.T) {
	s := schemaRun()
	s.Goal = Linked
	s.Schema.Relations[0].Name, s.Schema.Relations[1].Name = "shop_users", "categories"
	addTable(&s, "user_roles")
	child := addTable(&s, "orders")
	for _, name := range []string{"user_id", "main_category_id", "approved_by", "role_id", "role", "thing_id", "linked_user_id", "few_user_id", "likely_user_id"} {
		addColumn(child, catalog.Column{Name: name, Type: "integer"})
	}
	addKey(child, first(&s), []string{"linked_user_id"}, []string{"id"})
	addColumn(child, catalog.Column{Name: "old_user_id", Type: "bigint", Generated: true})
	s.Overlaps = map[Reference]Overlap{
		{"orders", "few_user_id", "shop_users"}:    {Distinct: 5, Found: 5},
		{"orders", "likely_user_id", "shop_users"}: {Distinct: 200, Found: 199},
	}
	got := map[string]string{}
	for _, c := range Build(s).Candidates {
		got[c.Column] = c.Parent + ": " + strings.Join(c.Evidence, "; ")
	}
	const type4 = "integer, and the key is bigint"
	want := map[string]string{
		"user_id":          "shop_users: named after the table; " + type4,
		"main_category_id": "categories: named after the table; " + type4,
		"approved_by":      "shop_users: named like a user; " + type4,
		"role_id":          "user_roles: named after the table; " + type4,
		"likely_user_id":   "shop_users: named after the table; " + type4 + "; 199 of 200 distinct values of a sample are keys there",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := len(s.CandidateReferences()); n != 5 {
		t.Errorf("%d candidates", n)
	}
}

// wire gives u what up makes first for the edge: the column and the triggers.
func wire(s *Input) {
	u := second(s)
	e := step.Edge{
		Child: u.Named(), Parent: sqltext.Table{Schema: "app", Name: "t"}, Column: "t_id", Key: "id", UUID: "of_t", Constraint: "made_key",
		Reference: catalog.ForeignKey{Name: "u_t_id_fkey"}, Function: step.EdgeFunction(u.Named(), "t_id"),
	}
	marked(e.Mark(u, first(s)).Comment(nil))(u)
	u.Column("t_uuid").Name = "of_t"
}

// An edge keeps the names of its mark.
func TestMarkedEdge(t *testing.T) {
	p := Build(linked(wire))
	l := link(t, p, "u.t_id")
	if e := l.Edge; e.UUID != "of_t" || e.Constraint != "made_key" || e.Function.Name != "rekey_u_t_id" || l.State != Incomplete || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
	p = Build(linked(wire, onChild(func(u *catalog.Table) { u.ForeignKeys = nil })))
	if l := link(t, p, "u.t_id"); l.State != Skipped || !strings.Contains(l.Why, "u_t_id_fkey was dropped") {
		t.Errorf("%+v", l)
	}
}

func TestDownOfEdges(t *testing.T) {
	down := func(s *Input) { s.Direction, s.Goal = Down, Expanded }
	complete := func(s *Input) { complete(s, first(s)); complete(s, second(s)) }
	p := Build(linked(complete, wire, down))
	if l := link(t, p, "u.t_id"); l.State != Pending || len(p.Groups) != 1 || p.Groups[0].Edge == nil || len(p.Refusals) > 0 || p.End() != 0 {
		t.Errorf("%s %s %d groups, refusals %v, end %d", l.State, l.Progress, len(p.Groups), p.Refusals, p.End())
	}
	if p := Build(linked(complete, down)); len(p.Links)+len(p.Groups) != 0 {
		t.Errorf("%v", p.Links)
	}
	if p := Build(linked(complete, wire, down, onChild(func(u *catalog.Table) { u.ForeignKeys = nil }))); link(t, p, "u.t_id").Edge.Reference.Name != "u_t_id_fkey" {
		t.Errorf("%v", p.Links)
	}
	depends := onChild(func(u *catalog.Table) {
		u.Attachments = []catalog.Attachment{{Column: "of_t", Kind: "foreign key", Name: "made_key"}, {Column: "of_t", Kind: "trigger", Name: "x"}, {Column: "of_t", Kind: "view", Name: "v"}}
	})
	if p := Build(linked(complete, wire, down, depends)); codes(p.Refusals) != "dependent_object" {
		t.Error(p.Refusals)
	}
	integers := func(s *Input) { s.Direction, s.Goal = Down, "" }
	if p := Build(linked(complete, wire, integers)); codes(p.Refusals) != "edges_remain" {
		t.Error(p.Refusals)
	}
	elsewhereDown := func(s *Input) { elsewhere(s, false) }
	if p := Build(linked(complete, wire, elsewhereDown, down)); len(p.Refusals) > 0 || link(t, p, "u.t_id").State != Pending {
		t.Errorf("%v %v", p.Refusals, p.Links)
	}
}

// TestNotSwitched checks what keeps contract from its start: a reference that was skipped counts only if its parent ends.
func TestNotSwitched(t *testing.T) {
	s := linked()
	parent, child := first(&s).Named(), second(&s).Named()
	edge := step.Edge{Child: child, Column: "t_id", Parent: parent, Reference: second(&s).ForeignKeys[0]}
	for name, c := range map[string]struct {
		link Link
		keys []PrimaryKey
		want string
	}{
		"complete":           {Link{Edge: edge, State: Complete}, []PrimaryKey{{Key: step.Key{Table: parent}, State: Complete}}, ""},
		"refused":            {Link{Edge: edge, State: Refused}, nil, "not_switched"},
		"skipped":            {Link{Edge: edge, State: Skipped}, []PrimaryKey{{Key: step.Key{Table: parent}, State: Complete}}, "not_switched"},
		"outside":            {Link{Edge: edge, State: Skipped}, []PrimaryKey{{Key: step.Key{Table: child}, State: Complete}}, ""},
		"its key is skipped": {Link{Edge: edge, State: Skipped}, []PrimaryKey{{Key: step.Key{Table: parent}, State: Skipped}}, ""},
		"skipped, not a key": {Link{Edge: step.Edge{Child: child, Column: "t_id", Parent: parent}, State: Skipped}, []PrimaryKey{{Key: step.Key{Table: parent}}}, ""},
	} {
		p := Plan{Links: []Link{c.link}, PrimaryKeys: c.keys}
		if got := codes(p.refuseEarlierPhase(s)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	twice := Plan{Links: []Link{{Edge: edge, State: Refused}, {Edge: edge, State: Refused}}}
	if found := twice.refuseEarlierPhase(s); !strings.Contains(found.Error(), "1 object is behind") {
		t.Errorf("a name is repeated: %v", found)
	}
}
