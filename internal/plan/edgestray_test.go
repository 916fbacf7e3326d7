package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// A stray is refused up and down, and status and verify name it.
func TestStrayEdges(t *testing.T) {
	fire := onChild(withTrigger("~rekey_t_id_i", true))
	noKeys := onChild(func(u *catalog.Table) { u.ForeignKeys, u.Constraints = nil, nil })
	rename := func(s *Input) { second(s).Column("t_id").Name = "x_id" }
	comment := func(text string) func(*Input) {
		return onChild(func(u *catalog.Table) { u.Column("of_t").Comment = &text })
	}
	moved := func(table sqltext.Table) func(*Input) {
		return onChild(func(u *catalog.Table) { u.Schema, u.Name = table.Schema, table.Name })
	}
	for name, c := range map[string]struct {
		alter      []func(*Input)
		code, hint string
	}{
		"renamed column":         {[]func(*Input){wire, fire, rename, onKey(func(k *catalog.ForeignKey) { k.ChildColumns = []string{"x_id"} })}, "edge_renamed", `RENAME COLUMN "x_id" TO "t_id"`},
		"renamed, key not known": {[]func(*Input){wire, fire, rename, noKeys}, "edge_renamed", "RENAME COLUMN new_name"},
		"dropped column":         {[]func(*Input){wire, rename, noKeys}, "edge_column_dropped", `DROP COLUMN "of_t"`},
		"newer mark":             {[]func(*Input){wire, fire, noKeys, comment("[rekey 9: edge {}]")}, "mark_newer", "rekey version"},
		"edited mark":            {[]func(*Input){wire, fire, noKeys, comment("[rekey 2: edge {")}, "edge_mark_lost", `COMMENT ON COLUMN "app"."u"."of_t" IS NULL`},
		"no mark, no key":        {[]func(*Input){wire, fire, noKeys, comment("")}, "edge_triggers_left", `DROP TRIGGER "~rekey_t_id_i"`},
		"no mark, with a key":    {[]func(*Input){wire, fire, comment(""), onChild(func(u *catalog.Table) { u.Column("of_t").Name = "t_uuid" })}, "edge_mark_lost", "COMMENT ON COLUMN"},
		"a renamed table with a key": {[]func(*Input){wire, fire, comment(step.EdgeMark{
			Child: sqltext.Table{Schema: "app", Name: "z"}, Column: "t_id", Parent: named("t"), Key: "id", Function: named("rekey_z_t_id"),
		}.Comment(nil)), onChild(func(u *catalog.Table) { u.Column("of_t").Name = "t_uuid" })}, "edge_renamed", "Rename it back"},
		"renamed table, without":    {[]func(*Input){wire, fire, noKeys, moved(sqltext.Table{Schema: "app", Name: "z"})}, "edge_renamed", `RENAME TO "u"`},
		"a table copied with LIKE":  {[]func(*Input){wire, noKeys, moved(sqltext.Table{Schema: "app", Name: "z"})}, "", ""},
		"its foreign key was moved": {[]func(*Input){wire, fire, noKeys}, "", ""},
	} {
		p := Build(linked(c.alter...))
		got, hint := codes(p.Refusals), ""
		if len(p.Refusals) > 0 {
			hint = p.Refusals[0].Hint
		}
		if got != c.code || !strings.Contains(hint, c.hint) {
			t.Errorf("%s: %v, hint %q, want %s %q", name, p.Refusals, hint, c.code, c.hint)
		}
		if c.code == "" {
			continue
		}
		down := Build(linked(append(c.alter, func(s *Input) { s.Direction, s.Goal = Down, Expanded })...))
		if got := codes(down.Refusals); got != c.code {
			t.Errorf("%s, down: %v, want %s", name, down.Refusals, c.code)
		}
		if p := Build(linked(append(c.alter, func(s *Input) { s.Goal = "" })...)); !damaged(p) {
			t.Errorf("%s: status does not name it: %+v", name, p.Links)
		}
	}
}

func damaged(p Plan) bool {
	for _, l := range p.Links {
		if l.Damage() != "" {
			return true
		}
	}
	return false
}
