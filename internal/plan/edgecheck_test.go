package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Each case alters the input of an edge that nothing refuses. The codes and part of the text of the refusals are expected.
func TestEdgeRefusals(t *testing.T) {
	column := func(f func(*catalog.Column)) func(*Input) {
		return onChild(func(u *catalog.Table) { f(u.Column("t_id")) })
	}
	for name, c := range map[string]struct {
		alter []func(*Input)
		codes string
		text  string
	}{
		"period":                    {[]func(*Input){onKey(func(k *catalog.ForeignKey) { k.Period = true })}, "edge_unsupported", "PERIOD"},
		"not enforced":              {[]func(*Input){onKey(func(k *catalog.ForeignKey) { k.NotEnforced = true })}, "edge_unsupported", "NOT ENFORCED"},
		"operators of its own":      {[]func(*Input){onKey(func(k *catalog.ForeignKey) { k.OwnOperators = true })}, "edge_unsupported", "an extension"},
		"other collations":          {[]func(*Input){onKey(func(k *catalog.ForeignKey) { k.OtherCollations = true })}, "edge_unsupported", "collations"},
		"a function's name":         {[]func(*Input){ofFunction(catalog.TriggerFunction{Owner: "mallory", Trigger: true, Comment: edgeFunctionMark})}, "edge_function_taken", "mallory was not made"},
		"a function in use":         {[]func(*Input){ofFunction(catalog.TriggerFunction{Owner: "app", Trigger: true, Comment: edgeFunctionMark, Used: "app.v"})}, "edge_function_taken", "trigger of app.v"},
		"an application's function": {[]func(*Input){ofFunction(catalog.TriggerFunction{Owner: "app", Trigger: true})}, "edge_function_taken", "was not made"},
		"a function of rekey's":     {[]func(*Input){ofFunction(catalog.TriggerFunction{Owner: "app", Trigger: true, Comment: edgeFunctionMark})}, "", ""},
		"without PL/pgSQL":          {[]func(*Input){func(s *Input) { s.NoTriggers = true }}, "no_plpgsql", "plpgsql"},
		"generated":                 {[]func(*Input){column(func(c *catalog.Column) { c.Generated = true })}, "edge_unsupported", "generated"},
		"a domain":                  {[]func(*Input){column(func(c *catalog.Column) { c.Type, c.Base = "app.key", "bigint" })}, "edge_unsupported", "domain"},
		"a default by a call":       {[]func(*Input){column(func(c *catalog.Column) { c.Default = "nextval('s'::regclass)" })}, "edge_unsupported", "not a constant"},
		"an identity":               {[]func(*Input){column(func(c *catalog.Column) { c.Identity = "d" })}, "edge_unsupported", "not a constant"},
		"set default": {
			[]func(*Input){column(func(c *catalog.Column) { c.Default = "7" }), onKey(func(k *catalog.ForeignKey) { k.OnDelete = catalog.SetDefault })},
			"edge_unsupported", "sets the default 7",
		},
		"exclusion": {[]func(*Input){onChild(func(u *catalog.Table) {
			u.Constraints = append(u.Constraints, catalog.Constraint{Name: "x", Kind: "x"})
			u.Indexes = append(u.Indexes, catalog.Index{Name: "x", Columns: []string{""}, Uses: []string{"t_id"}, Valid: true, Method: "gist"})
		})}, "edge_unsupported", "exclusion constraint x"},
		"the name is taken":    {[]func(*Input){onChild(func(u *catalog.Table) { addColumn(u, catalog.Column{Name: "t_uuid", Type: "text"}) })}, "edge_column_taken", "type text"},
		"a newer mark":         {[]func(*Input){onChild(marked("[rekey 9: edge {}]"))}, "mark_newer", ""},
		"an edited mark":       {[]func(*Input){onChild(marked("[rekey 2: edge {}]"))}, "edge_mark_lost", "COMMENT ON COLUMN"},
		"too many columns":     {[]func(*Input){onChild(func(u *catalog.Table) { u.Attributes = MaxColumns })}, "unsupported_table", "1,600"},
		"a hidden parent":      {[]func(*Input){func(s *Input) { s.Server.Role.BypassRLS = true }, onTable(func(t *catalog.Table) { t.RowSecurity, t.ForceRowSecurity = true, true })}, "edge_parent_hidden", "CREATE POLICY"},
		"a later trigger":      {[]func(*Input){onChild(withTrigger("~~", true))}, "edge_later_triggers", "~~"},
		"an earlier trigger":   {[]func(*Input){onChild(withTrigger("a", true))}, "", ""},
		"a trigger of an edge": {[]func(*Input){onChild(withTrigger("~rekey~_z_i", true))}, "edge_triggers_left", `DROP TRIGGER "~rekey~_z_i" ON "app"."u";`},
		"another trigger":      {[]func(*Input){onChild(withTrigger("~~", false))}, "", ""},
		"published":            {[]func(*Input){onChild(func(u *catalog.Table) { u.Publications = []catalog.Publication{{Name: "p"}}; addUUIDOfRun(u) })}, "published", ""},
		"a constraint's name": {[]func(*Input){onChild(func(u *catalog.Table) {
			u.Constraints = append(u.Constraints, catalog.Constraint{Name: "u_t_uuid_fkey", Kind: "c", Validated: true})
		})}, "constraint_name_taken", "u_t_uuid_fkey"},
		"a check's name": {[]func(*Input){onChild(func(u *catalog.Table) {
			u.Constraints = append(u.Constraints, catalog.Constraint{Name: "rekey_t_uuid_not_null", Kind: "u", Validated: true})
		})}, "constraint_name_taken", "rekey_t_uuid_not_null"},
		"an index's name": {[]func(*Input){onChild(oneToOne), func(s *Input) {
			s.Schema.Relations = append(s.Schema.Relations, catalog.Table{Schema: "app", Name: "u_t_uuid_key", Kind: catalog.View})
		}}, "index_name_taken", "u_t_uuid_key"},
		"one index of two edges": {[]func(*Input){onChild(oneToOne), func(s *Input) {
			v := addTable(s, "v")
			refer(v, "t_id", first(s))
			v.Indexes = append(v.Indexes, catalog.Index{OID: 301, Name: "u_t_id_key", Columns: []string{"t_id"}, Valid: true, Method: "btree", Definition: "CREATE INDEX i ON app.v USING btree (t_id)"})
		}}, "edge_index_twice", "app.u.t_id"},
		"no key for deferred rows": {
			[]func(*Input){onChild(func(u *catalog.Table) { u.Indexes, u.Kind = nil, catalog.Partitioned }), onKey(func(k *catalog.ForeignKey) { k.Deferrable = true })},
			"edge_unsupported", "no key",
		},
		"the parent's owner": {[]func(*Input){asRole, onTable(func(t *catalog.Table) { t.Owned, t.Owner = false, "other"; t.OwnerCreates = true; addUUIDOfRun(t) })}, "edge_parent_owner", "GRANT"},
		"row security":       {[]func(*Input){asRole, onChild(func(u *catalog.Table) { u.RowSecurity, u.ForceRowSecurity = true, true; addUUIDOfRun(u) })}, "row_security", ""},
		"another schema":     {[]func(*Input){func(s *Input) { elsewhere(s, false) }}, "edge_other_schema", "--parents crm"},
		"two parents":        {[]func(*Input){func(s *Input) { addKey(second(s), second(s), []string{"t_id"}, []string{"id"}) }}, "edge_conflict", "u_t_id_fkey"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Build(linked(c.alter...))
			if got := codes(p.Refusals); got != c.codes {
				t.Errorf("%s: %v, want %s", got, p.Refusals, c.codes)
			}
			if c.text != "" && !strings.Contains(p.Refusals.Error()+p.Refusals[0].Hint, c.text) {
				t.Errorf("%v %s, want %q", p.Refusals, p.Refusals[0].Hint, c.text)
			}
		})
	}
}

// marked adds the uuid column of the edge with a comment.
func marked(comment string) func(*catalog.Table) {
	return func(u *catalog.Table) {
		addColumn(u, catalog.Column{Name: "t_uuid", Type: "uuid", Length: 16, Alignment: 1, Comment: &comment})
	}
}

func withTrigger(name string, before bool) func(*catalog.Table) {
	return func(u *catalog.Table) {
		u.Triggers = append(u.Triggers, catalog.Trigger{Name: name, Enabled: "O", Row: true, Before: before, OnInsert: true})
	}
}

// addUUIDOfRun adds the uuid column that the table gets, so that only the edge is refused.
func addUUIDOfRun(table *catalog.Table) {
	c := addUUID(table)
	mark := (step.Target{Schema: "app", Table: table.Name, Column: "uuid", Index: table.Name + "_uuid_idx", KeepsMark: true}).Mark()
	c.NotNull, c.Comment = true, &mark
	c.Default, c.Calls = "app.uuid_generate_v7()", sqltext.Qualified("app", step.FunctionName)
	table.Indexes = append(table.Indexes, uniqueIndex(table.Name+"_uuid_idx", "uuid"))
}

// asRole lets a role run that is no superuser and owns what app owns.
func asRole(s *Input) {
	s.Server.Role = catalog.Role{Name: "deploy", CreateDatabase: true, Trusts: []string{"app", "other"}}
	for i := range s.Schema.Relations {
		s.Schema.Relations[i].OwnerCreates = true
	}
}

// elsewhere moves the parent of the edge to the schema crm, which may have a uuid column.
func elsewhere(s *Input, expanded bool) {
	parent := newTable("t", 50)
	parent.Schema, parent.OwnerCreates = "crm", true
	if expanded {
		addUUIDOfRun(&parent)
	}
	s.Schema.OtherSchemas = []catalog.Table{parent}
	second(s).ForeignKeys[0].Parent = parent.Named()
}

func TestEdgeToAnotherSchema(t *testing.T) {
	named := func(s *Input) { s.Selection.Parents = []string{"crm"} }
	p := Build(linked(func(s *Input) { elsewhere(s, false) }, named))
	if l := link(t, p, "u.t_id"); l.State != Refused || !strings.Contains(l.Hint, "rekey up --schema crm") || codes(p.Refusals) != "edge_parent_not_expanded" {
		t.Errorf("%+v %v", l, p.Refusals)
	}
	if p := Build(linked(named)); codes(p.Refusals) != "unused_parents" {
		t.Error(p.Refusals)
	}
	p = Build(linked(func(s *Input) { elsewhere(s, true) }, named))
	if l := link(t, p, "u.t_id"); l.State != Pending || l.Edge.Parent.Schema != "crm" || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
	p = Build(linked(func(s *Input) { elsewhere(s, true); s.Schema.OtherSchemas = nil }, named))
	if l := link(t, p, "u.t_id"); l.State != Skipped || !strings.Contains(l.Why, "not among the tables") {
		t.Errorf("%+v", l)
	}
	for code, alter := range map[string]func(*Input){
		"edge_parent_owner":                          func(s *Input) { s.Schema.OtherSchemas[0].Owned = false },
		"edge_owner_cannot_create":                   func(s *Input) { s.Schema.OtherSchemas[0].OwnerCreates = false },
		"edge_owners_differ":                         func(s *Input) { s.Schema.OtherSchemas[0].Owner = "other"; second(s).ForeignKeys[0].Deferrable = true },
		"edge_parent_owner edge_owner_cannot_create": func(s *Input) { s.Schema.OtherSchemas[0].Owned, s.Schema.OtherSchemas[0].OwnerCreates = false, false },
		"row_security": func(s *Input) {
			parent := &s.Schema.OtherSchemas[0]
			parent.RowSecurity, parent.ForceRowSecurity = true, true
			parent.Policies = []catalog.Policy{{Command: "*", Permissive: true, OfOwner: true, Using: "true"}}
		},
	} {
		p := Build(linked(func(s *Input) { elsewhere(s, true) }, named, asRole, alter))
		if got := codes(p.Refusals); got != code {
			t.Errorf("%s: %v, want %s", got, p.Refusals, code)
		}
	}
}

// --skip-refused skips a refused edge, and every edge that needs a refused table.
func TestSkipRefusedEdges(t *testing.T) {
	skip := func(s *Input) { s.Policy.SkipRefused = true }
	p := Build(linked(skip, onKey(func(k *catalog.ForeignKey) { k.Period = true })))
	if l := link(t, p, "u.t_id"); l.State != Refused || l.Hint == "" || len(p.Edges()) != 0 || len(p.Refusals) != 0 || len(p.Skipped) != 1 || len(p.Targets()) != 2 {
		t.Errorf("%+v %v %v", l, p.Refusals, p.Skipped)
	}
	p = Build(linked(skip, onTable(func(t *catalog.Table) { t.Owned = false })))
	if l := link(t, p, "u.t_id"); l.State != Skipped || l.Why != "it needs app.t, which is refused" || len(p.Edges()) != 0 {
		t.Errorf("%+v", l)
	}
	p = Build(linked(skip, onChild(func(u *catalog.Table) { u.Owned = false })))
	if l := link(t, p, "u.t_id"); l.State != Skipped || l.Why != "its table is refused" {
		t.Errorf("%+v", l)
	}
	p = Build(linked(func(s *Input) { s.Selection.Filter.Tables = patterns(t, "u") }))
	if l := link(t, p, "u.t_id"); l.State != Skipped || !strings.Contains(l.Why, "not selected") {
		t.Errorf("%+v", l)
	}
}

const edgeFunctionMark = "[rekey: keeps the two columns of an edge equal]"

// ofFunction gives the name of the edge's trigger function to a function.
func ofFunction(f catalog.TriggerFunction) func(*Input) {
	return func(s *Input) {
		name := step.EdgeFunction(second(s).Named(), "t_id")
		f.Schema, f.Name = name.Schema, name.Name
		s.EdgeFunctions = map[sqltext.Table]catalog.TriggerFunction{name: f}
	}
}

// The trigger functions of two edges have different names, also if the joined names of table and column are equal.
func TestEdgeFunctionNames(t *testing.T) {
	s := linked()
	u := addTable(&s, "u_t")
	refer(u, "id2", first(&s))
	refer(second(&s), "t_id2", first(&s))
	p := Build(s)
	if a, b := link(t, p, "u.t_id2").Edge.Function.Name, link(t, p, "u_t.id2").Edge.Function.Name; a != "rekey_u_t_id2" || b != "rekey_u_t~id2" || len(p.Refusals) > 0 {
		t.Errorf("%s, %s, %v", a, b, p.Refusals)
	}
	// The mark of a column keeps the name that the function has, and names no function of another kind.
	for name, want := range map[string]string{"rekey_u_t~id2": "rekey_u_t~id2", "postgres_function": "rekey_u_t_id2"} {
		s := linked()
		u := addTable(&s, "u_t")
		refer(u, "id2", first(&s))
		mark := step.EdgeMark{Child: u.Named(), Column: "id2", Parent: first(&s).Named(), Key: "id", Function: sqltext.Table{Schema: "app", Name: name}}
		comment := mark.Comment(nil)
		addColumn(u, catalog.Column{Name: "made", Type: "uuid", Comment: &comment})
		if e := link(t, Build(s), "u_t.id2").Edge; e.Function.Name != want || e.UUID != "made" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
