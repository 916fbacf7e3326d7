package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// TestNamesOfGroups checks how messages name a group: by its edge, its table, or the version table.
func TestNamesOfGroups(t *testing.T) {
	for want, g := range map[string]Group{
		"app.t.user_id": {Table: named("t"), Target: step.Target{Schema: "app", Table: "t"}, Edge: &step.Edge{Child: named("t"), Column: "user_id"}},
		"app.t":         {Table: named("t"), Target: step.Target{Schema: "app", Table: "t"}},
		"versions":      {Table: named("versions")},
		"":              {},
	} {
		if got := g.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestTableOfGroup checks that a group finds its own table and those below it, and no other.
func TestTableOfGroup(t *testing.T) {
	s := partitionedRun()
	p := Build(s)
	g := p.Targets()[0]
	below := s.Schema.Named(g.Table).Below[0].Named()
	if got := p.TableNamed(g, g.Table); got == nil || got.Named() != g.Table {
		t.Errorf("the table: %v", got)
	}
	if got := p.TableNamed(g, below); got == nil || got.Named() != below {
		t.Errorf("the table below: %v", got)
	}
	if p.TableNamed(g, named("other")) != nil || p.TableNamed(Group{Table: named("other")}, g.Table) != nil {
		t.Error("another table")
	}
}

// TestAlteredEdge checks which changes of either table end the work on an edge.
func TestAlteredEdge(t *testing.T) {
	e := step.Edge{
		Child: named("t"), Parent: named("u"), Column: "u_id", Key: "id", UUID: "u_uuid", ParentUUID: "uuid",
		Reference: catalog.ForeignKey{OID: 70, Name: "t_u_id_fkey"},
	}
	schema := func(change func(child, parent *catalog.Table)) catalog.Schema {
		child, parent := newTable("t", 1), newTable("u", 2)
		addColumn(&child, catalog.Column{Name: "u_id", Type: bigint})
		addUUID(&parent)
		child.ForeignKeys = []catalog.ForeignKey{e.Reference}
		change(&child, &parent)
		return catalog.Schema{Name: "app", Relations: []catalog.Table{child, parent}}
	}
	same := func(*catalog.Table, *catalog.Table) {}
	for name, test := range map[string]struct {
		change func(child, parent *catalog.Table)
		want   string
	}{
		"nothing":            {same, ""},
		"more rows":          {func(child, _ *catalog.Table) { child.Rows = 9 }, ""},
		"no parent":          {func(_, parent *catalog.Table) { parent.Name = "renamed" }, "One of its tables is missing."},
		"another type":       {func(child, _ *catalog.Table) { child.Columns[1].Type = "text" }, "app.t: its column u_id is now of type text"},
		"a new parent's key": {func(_, parent *catalog.Table) { parent.Columns[0].Number = 8 }, "app.u: its column id was dropped or renamed"},
		"no foreign key":     {func(child, _ *catalog.Table) { child.ForeignKeys = nil }, "Its foreign key t_u_id_fkey was dropped."},
		"another owner":      {func(child, _ *catalog.Table) { child.Owner, child.Owned = "bob", false }, "Its table now belongs to bob."},
	} {
		p := Plan{Schema: schema(same)}
		if got := p.Altered(Group{Table: e.Child, Edge: &e}, schema(test.change)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestNoteOnFunctionOfLibrary checks that a plan that uses a library's own function says what it needs.
func TestNoteOnFunctionOfLibrary(t *testing.T) {
	original := &catalog.Function{
		Schema: "app", Name: step.FunctionName, Owner: "app", Kind: "f", Returns: "uuid", Volatile: true, Language: "plpgsql",
		Original: &catalog.Original{Library: "Acme", Needs: "x"},
	}
	for name, test := range map[string]struct {
		owned bool
		want  bool
	}{"kept": {false, true}, "replaced": {true, false}} {
		f := *original
		f.Owned = test.owned
		notes := strings.Join(Build(schemaRun(func(s *Input) { s.Schema.Function = &f })).Notes, "\n")
		if got := strings.Contains(notes, "uuid_generate_v7() is Acme's: an INSERT that calls it needs x"); got != test.want {
			t.Errorf("%s: %s", name, notes)
		}
	}
}
