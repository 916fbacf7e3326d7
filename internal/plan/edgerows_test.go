package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Rows that verify counted decide how far an edge is; without them its mark does.
func TestLinkWithCountedRows(t *testing.T) {
	s := linked(wire, onChild(withTrigger("~rekey_t_id_i", true)), onChild(withTrigger("~rekey_t_id_u", true)))
	p := Build(s)
	l := link(t, p, "u.t_id")
	if !l.Made() || !strings.Contains(strings.Join(l.Missing, ", "), notCounted) {
		t.Fatalf("%+v", l)
	}
	for name, c := range map[string]struct {
		rows     EdgeRows
		unfilled bool // the rows are among what the edge lacks
	}{
		"filled":        {EdgeRows{}, false},
		"unfilled":      {EdgeRows{Unfilled: true}, true},
		"with orphans":  {EdgeRows{Orphans: 2}, false},
		"both of these": {EdgeRows{Orphans: 2, Unfilled: true}, true},
	} {
		got := p.WithRows(l, second(&s), c.rows)
		missing := strings.Join(got.Missing, ", ")
		if strings.Contains(missing, notCounted) || strings.Contains(missing, "rows without") != c.unfilled {
			t.Errorf("%s: %s", name, missing)
		}
	}
}

func TestPendingEdges(t *testing.T) {
	p := Build(linked())
	if edges, rows := p.PendingEdges(); edges != 1 || rows != 5 {
		t.Errorf("%d edges, %d rows", edges, rows)
	}
	if edges, rows := Build(schemaRun()).PendingEdges(); edges != 0 || rows != 0 {
		t.Errorf("%d edges, %d rows in a run without edges", edges, rows)
	}
}

// A primary key is worked on as long as the planned columns of both keys exist with their types; once contract has begun, the columns of
// uuids suffice.
func TestAlteredKeys(t *testing.T) {
	marked := func(s *Input) { addUUID(first(s)) }
	dropID := onTable(func(t *catalog.Table) { t.Columns = t.Columns[1:] })
	for name, c := range map[string]struct {
		change     func(*Input)
		switching  string
		contracted string
	}{
		"no change":     {func(*Input) {}, "", ""},
		"a new column":  {columns("note", "text"), "", ""},
		"no integers":   {dropID, "its column id was dropped or renamed", ""},
		"another type":  {onTable(func(t *catalog.Table) { t.Columns[0].Type = "numeric" }), "its column id is now of type numeric", ""},
		"no uuids":      {onTable(func(t *catalog.Table) { t.Column("uuid").Name = "other" }), "its column uuid was dropped", "its column uuid was dropped"},
		"another owner": {onTable(func(t *catalog.Table) { t.Owner, t.Owned = "bob", false }), "It now belongs to bob.", "It now belongs to bob."},
		"another name":  {onTable(func(t *catalog.Table) { t.Name = "old" }), "The table is missing.", "The table is missing."},
	} {
		p := Build(switching(marked))
		now := switching(marked, c.change)
		g := p.Keys()[0]
		for phase, want := range map[Phase]string{Switched: c.switching, Contracted: c.contracted} {
			g.Phase = phase
			if got := p.Altered(g, now.Schema); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
				t.Errorf("%s, %s: %q, want %q", name, phase, got, want)
			}
		}
	}
}

// Tables of other schemas that refer to the schema are read once each, if they were not read before.
func TestReferring(t *testing.T) {
	bills, app := sqltext.Table{Schema: "billing", Name: "bills"}, named("notes")
	schema := catalog.Schema{Name: "app", Relations: []catalog.Table{newTable("t", 1), newTable("u", 2)}}
	keys := []catalog.ForeignKey{{Name: "a", Child: bills}, {Name: "b", Child: bills}, {Name: "c", Child: app}}
	schema.Relations[0].ReferencedBy, schema.Relations[1].ReferencedBy = keys, keys[:1]
	if diff := cmp.Diff([]sqltext.Table{bills}, Referring(schema)); diff != "" {
		t.Error(diff)
	}
	read := newTable("bills", 3)
	read.Schema = "billing"
	schema.OtherSchemas = append(schema.OtherSchemas, read)
	if got := Referring(schema); got != nil {
		t.Errorf("%v was read already", got)
	}
}
