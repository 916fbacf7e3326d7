package plan

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
)

// TestKeyOfRefusedTable checks that no key switches whose table gets no uuid column, and no key that references connect with it.
func TestKeyOfRefusedTable(t *testing.T) {
	all, err := discover.ParsePatterns("*")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		alter func(*Input)
		want  string // the states of the keys of t and u
	}{
		"connected": {func(*Input) {}, "refused skipped"},
		"alone":     {func(s *Input) { first(s).ReferencedBy, second(s).ForeignKeys = nil, nil }, "refused pending"},
		"chosen":    {func(s *Input) { s.Selection.Filter.Tables = all }, "refused pending"},
	} {
		p := Build(switching(c.alter, func(s *Input) {
			s.Policy.SkipRefused = true
			addColumn(first(s), catalog.Column{Name: "uuid", Type: "character varying"})
			first(s).Columns = slices.DeleteFunc(first(s).Columns, func(c catalog.Column) bool { return c.Name == "uuid" && c.Type == "uuid" })
		}))
		if got := string(primaryKey(t, p, "t").State + " " + primaryKey(t, p, "u").State); got != c.want || len(p.Refusals) > 0 {
			t.Errorf("%s: %s, %v", name, got, p.Refusals)
		}
		for _, g := range p.Keys() {
			if g.Table.Name == "t" {
				t.Errorf("%s: %s is part of the run", name, g)
			}
		}
	}
}
