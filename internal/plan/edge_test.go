package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// linked returns the input of up to the phase linked for the tables t and u, where u.t_id refers to t, altered.
func linked(alter ...func(*Input)) Input {
	s := schemaRun()
	s.Goal = Linked
	refer(second(&s), "t_id", first(&s))
	for _, f := range alter {
		f(&s)
	}
	return s
}

// second returns the table u.
func second(s *Input) *catalog.Table { return &s.Schema.Relations[1] }

// onChild returns an alteration of the table u.
func onChild(f func(*catalog.Table)) func(*Input) { return func(s *Input) { f(second(s)) } }

// onKey returns an alteration of the foreign key of u.
func onKey(f func(*catalog.ForeignKey)) func(*Input) {
	return func(s *Input) { f(&second(s).ForeignKeys[0]) }
}

// refer adds an integer column with a foreign key onto the parent's id.
func refer(child *catalog.Table, column string, parent *catalog.Table) {
	addColumn(child, catalog.Column{Name: column, Type: "bigint", Length: 8, Alignment: 8})
	addKey(child, parent, []string{column}, []string{"id"})
}

// addKey adds a foreign key on existing columns.
func addKey(child, parent *catalog.Table, columns, keys []string) {
	name := child.Name + "_" + strings.Join(columns, "_") + "_fkey"
	child.ForeignKeys = append(child.ForeignKeys, catalog.ForeignKey{
		OID: uint32(1000 + len(child.ForeignKeys)), Name: name, Child: child.Named(), Parent: parent.Named(), ChildColumns: columns, ParentColumns: keys,
		OnDelete: catalog.NoAction, OnUpdate: catalog.NoAction, Match: catalog.MatchSimple, Validated: true,
	})
	child.Constraints = append(child.Constraints, catalog.Constraint{Name: name, Kind: "f", Columns: columns, Validated: true})
}

// addTable adds a table like t and u to the schema. Pointers to other tables become invalid.
func addTable(s *Input, name string) *catalog.Table {
	s.Schema.Relations = append(s.Schema.Relations, newTable(name, uint32(10+len(s.Schema.Relations))))
	return &s.Schema.Relations[len(s.Schema.Relations)-1]
}

// link returns the link of a column of a plan, as table.column.
func link(t *testing.T, p Plan, name string) Link {
	t.Helper()
	for _, l := range p.Links {
		if l.String() == "app."+name {
			return l
		}
	}
	t.Fatalf("no link %s in %v; refusals %v", name, p.Links, p.Refusals)
	return Link{}
}

func TestEdge(t *testing.T) {
	p := Build(linked())
	if len(p.Refusals) > 0 || len(p.Edges()) != 1 {
		t.Fatalf("%v %v", p.Refusals, p.Links)
	}
	got := link(t, p, "u.t_id").Edge
	want := step.Edge{
		Child: sqltext.Table{Schema: "app", Name: "u"}, Parent: sqltext.Table{Schema: "app", Name: "t", Only: true},
		Column: "t_id", Key: "id", UUID: "t_uuid", ParentUUID: "uuid", Constraint: "u_t_uuid_fkey", Check: "rekey_t_uuid_not_null",
		Reference: got.Reference, Function: step.EdgeFunction(sqltext.Table{Schema: "app", Name: "u"}, "t_id"), Owner: "app", Row: []string{"id"}, ChildFirst: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	g := p.Groups[len(p.Groups)-1]
	if g.Edge == nil || g.Table.Name != "u" || g.Target.Column != "t_uuid" || g.State != Pending || g.Progress != EdgeNone || len(g.Steps) == 0 {
		t.Errorf("the last group is %+v", g)
	}
	if tables, _ := p.PendingTables(); tables != 2 {
		t.Errorf("%d tables", tables)
	}
	if s := linked(); len(Build(s).Edges()) != 1 || len(Build(Input{Scope: s.Scope, Server: s.Server, Schema: s.Schema, Direction: Up}).Edges()) != 0 {
		t.Error("a run to expanded has edges")
	}
}

// A twin that an interrupted switch has left is not the foreign key of an edge, in whichever order their names are.
func TestTwinOfForeignKeyIsNoReference(t *testing.T) {
	s := linked(onKey(func(k *catalog.ForeignKey) { k.Name = "über_fkey" }))
	twin := second(&s).ForeignKeys[0]
	twin.Name, twin.OID, twin.Validated = "~rekey_über_fkey", 2000, false
	second(&s).ForeignKeys = append([]catalog.ForeignKey{twin}, second(&s).ForeignKeys...)
	if l := link(t, Build(s), "u.t_id"); l.Edge.Reference.Name != "über_fkey" || len(l.Notes) != len(link(t, Build(linked()), "u.t_id").Notes) {
		t.Errorf("%+v", l)
	}
}

// Each case alters the input that one edge is planned from, and says what becomes of the edge.
func TestEdgeProperties(t *testing.T) {
	required := onChild(func(u *catalog.Table) { u.Column("t_id").NotNull = true })
	for name, c := range map[string]struct {
		alter []func(*Input)
		check func(step.Edge) bool
		note  string
	}{
		"required":            {[]func(*Input){required}, func(e step.Edge) bool { return e.Required && !e.ChildFirst }, ""},
		"deferrable":          {[]func(*Input){required, onKey(func(k *catalog.ForeignKey) { k.Deferrable = true })}, func(e step.Edge) bool { return !e.Required && e.ChildFirst }, "in time for its NOT NULL"},
		"not validated":       {[]func(*Input){required, onKey(func(k *catalog.ForeignKey) { k.Validated = false })}, func(e step.Edge) bool { return !e.Required }, "NOT VALID"},
		"subscribed":          {[]func(*Input){required, onChild(func(u *catalog.Table) { u.Subscribed = true })}, func(e step.Edge) bool { return e.Always && !e.Required }, ""},
		"no key to find rows": {[]func(*Input){onChild(func(u *catalog.Table) { u.Indexes, u.Kind = nil, catalog.Partitioned })}, func(e step.Edge) bool { return !e.ChildFirst }, "until the next up"},
		"the uuid of the run": {[]func(*Input){onChild(func(u *catalog.Table) { u.Indexes = nil })}, func(e step.Edge) bool { return e.ChildFirst && slices.Equal(e.Row, []string{"uuid"}) }, ""},
		"another type":        {[]func(*Input){onChild(func(u *catalog.Table) { u.Column("t_id").Type = "integer" })}, func(e step.Edge) bool { return e.Column == "t_id" }, "22003"},
		"a constant default": {
			[]func(*Input){onChild(func(u *catalog.Table) { u.Column("t_id").Default = "'7'::bigint" }), func(s *Input) {
				s.EdgeDefaults = map[EdgeKey]string{{Child: named("u"), Column: "t_id"}: "a-uuid"}
			}},
			func(e step.Edge) bool { return e.Default != nil && e.Default.Key == "7" && e.Default.UUID == "a-uuid" }, "",
		},
		"a default of NULL": {[]func(*Input){onChild(func(u *catalog.Table) { u.Column("t_id").Default = "NULL::bigint" })}, func(e step.Edge) bool { return e.Default == nil }, ""},
		"a twin": {[]func(*Input){onChild(func(u *catalog.Table) {
			u.Indexes = append(u.Indexes, catalog.Index{Name: "u_t_id_idx", Columns: []string{"t_id"}, Valid: true, Method: "btree", Definition: "CREATE INDEX u_t_id_idx ON app.u USING btree (t_id)"})
		})}, func(e step.Edge) bool { return len(e.Twins) == 1 && e.Twins[0].Name == "u_t_uuid_idx" }, ""},
		"an index that computes": {[]func(*Input){onChild(func(u *catalog.Table) {
			u.Indexes = append(u.Indexes, catalog.Index{Name: "odd", Columns: []string{""}, Uses: []string{"t_id"}, Valid: true, Method: "btree", Definition: "CREATE INDEX odd ON app.u USING btree (((t_id % 2)))"})
		})}, func(e step.Edge) bool { return len(e.Twins) == 0 }, "no index like odd"},
		"a unique index":     {[]func(*Input){onChild(oneToOne)}, func(e step.Edge) bool { return len(e.Twins) == 1 && !e.Twins[0].Unique }, "which is not unique"},
		"an arbiter by uuid": {[]func(*Input){onChild(oneToOne), func(s *Input) { s.Policy.Arbiter = ArbiterBoth }}, func(e step.Edge) bool { return e.Twins[0].Unique }, "23505"},
		"the integer is the arbiter": {
			[]func(*Input){onChild(oneToOne), onChild(uniqueTwin), func(s *Input) { s.Policy.Arbiter = ArbiterInteger }},
			func(e step.Edge) bool { return !e.Twins[0].Unique }, "",
		},
		"a unique twin stays": {[]func(*Input){onChild(oneToOne), onChild(uniqueTwin)}, func(e step.Edge) bool { return e.Twins[0].Unique }, ""},
		"dependent objects": {[]func(*Input){onChild(func(u *catalog.Table) {
			u.Attachments = []catalog.Attachment{{Column: "t_id", Kind: "view", Name: "app.v"}, {Column: "t_id", Kind: "foreign key", Name: "f"}, {Column: "t_id", Kind: "constraint", Name: "u_pkey"}}
		})}, func(step.Edge) bool { return true }, "no counterpart: view app.v"},
		"twice": {[]func(*Input){func(s *Input) { addKey(second(s), first(s), []string{"t_id"}, []string{"id"}) }}, func(step.Edge) bool { return true }, "no counterpart of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Build(linked(c.alter...))
			if len(p.Refusals) > 0 {
				t.Fatal(p.Refusals)
			}
			l := link(t, p, "u.t_id")
			if !c.check(l.Edge) {
				t.Errorf("%+v", l.Edge)
			}
			if notes := strings.Join(l.Notes, "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" && !strings.Contains(name, "twin") && !strings.Contains(name, "arbiter") {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

// oneToOne adds a unique index on u.t_id.
func oneToOne(u *catalog.Table) {
	i := uniqueIndex("u_t_id_key", "t_id")
	i.OID = 300
	u.Indexes = append(u.Indexes, i)
}

// uniqueTwin adds the unique twin of this index.
func uniqueTwin(u *catalog.Table) {
	u.Indexes = append(u.Indexes, uniqueIndex("u_t_uuid_key", "t_uuid"))
}

func TestEdgeNames(t *testing.T) {
	long := strings.Repeat("a", 60) + "_id"
	for name, c := range map[string]struct {
		columns []string
		want    []string
	}{
		"an id":                   {[]string{"owner_id"}, []string{"owner_uuid"}},
		"no id":                   {[]string{"owner"}, []string{"owner_uuid"}},
		"both":                    {[]string{"owner", "owner_id"}, []string{"owner_uuid", "owner_id_uuid"}},
		"only the suffix":         {[]string{"_id"}, []string{"_id_uuid"}},
		"too long":                {[]string{long}, []string{step.IndexName(strings.Repeat("a", 60)+"_uuid", "", "")}},
		"the column of the table": {[]string{"public_id"}, []string{"public_id_uuid"}},
	} {
		s := schemaRun()
		s.Goal = Linked
		s.Selection.Column = "public_uuid"
		for _, column := range c.columns {
			refer(second(&s), column, first(&s))
		}
		p := Build(s)
		var got []string
		for _, column := range c.columns {
			got = append(got, link(t, p, "u."+column).Edge.UUID)
		}
		if !slices.Equal(got, c.want) || len(p.Refusals) > 0 {
			t.Errorf("%s: %q, want %q; %v", name, got, c.want, p.Refusals)
		}
	}
	s := linked(onKey(func(k *catalog.ForeignKey) { k.Name = "of_owner" }))
	if got := link(t, Build(s), "u.t_id").Edge.Constraint; got != "u_t_uuid_fkey" {
		t.Errorf("constraint %s", got)
	}
}

func TestEdgeOfProfile(t *testing.T) {
	s := profileRun("1")
	s.Goal = Linked
	s.Profile.LinkAt = s.Profile.To
	s.Profile.Tables = append(s.Profile.Tables, profile.Table{Name: "u"})
	s.Profile.References = []profile.Reference{
		{Table: "u", Column: "t_id", Parent: "renamed", UUIDColumn: "of_t", Constraint: "fk_of_t"},
		{Table: "u", Column: "other", Parent: "t", UUIDColumn: "of_other"},
	}
	u := addTable(&s, "u")
	refer(u, "t_id", first(&s))
	addColumn(u, catalog.Column{Name: "other", Type: "bigint"})
	p := Build(s)
	if e := link(t, p, "u.t_id").Edge; e.UUID != "of_t" || e.Constraint != "fk_of_t" || !e.Constrained() {
		t.Errorf("%+v", e)
	}
	if len(p.Links) != 1 || len(p.Refusals) > 0 { // a reference without a foreign key is taken only if the user names it
		t.Errorf("%v %v", p.Links, p.Refusals)
	}
	s.Selection.References = []Reference{{Child: "u", Column: "other", Parent: "t"}}
	if e := link(t, Build(s), "u.other").Edge; e.UUID != "of_other" || e.Constrained() || e.Key != "id" {
		t.Errorf("%+v", e)
	}
}

func TestLevels(t *testing.T) {
	s := schemaRun()
	s.Goal = Linked
	for _, name := range []string{"v", "w", "x"} {
		addTable(&s, name)
	}
	at := func(i int) *catalog.Table { return &s.Schema.Relations[i] }
	refer(at(1), "t_id", at(0))     // u → t
	refer(at(2), "u_id", at(1))     // v → u
	refer(at(2), "v_id", at(2))     // v → v
	refer(at(3), "x_id", at(4))     // w → x
	refer(at(4), "w_id", at(3))     // x → w
	refer(at(4), "again_id", at(2)) // x → v
	p := Build(s)
	var got []string
	for _, l := range p.Links {
		got = append(got, strings.TrimPrefix(l.String(), "app.")+" "+string(rune('0'+l.Level))+" "+strings.Join(l.Cycle, ","))
	}
	want := []string{"u.t_id 1 ", "v.u_id 2 ", "v.v_id 2 app.v", "w.x_id 3 app.w,app.x", "x.w_id 3 app.w,app.x", "x.again_id 3 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
