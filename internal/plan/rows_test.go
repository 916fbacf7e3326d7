package plan

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestCrampedRows(t *testing.T) {
	const bigint = 8
	t8 := step.Target{Column: "uuid"}
	table := func(columns int, notNull bool, more ...catalog.Column) *catalog.Table {
		all := slices.Repeat([]catalog.Column{{Name: "c", Length: bigint, Alignment: bigint, NotNull: notNull}}, columns)
		all = append(all, more...)
		return &catalog.Table{Columns: all, Attributes: len(all)}
	}
	dropped := table(1003, true)
	dropped.Attributes++
	for name, c := range map[string]struct {
		table      *catalog.Table
		sure, full bool
	}{
		"room for both":               {table(1000, true), false, false},
		"no room for the null bitmap": {table(1003, true), true, false},
		"a bitmap that is there":      {dropped, true, false},
		"no room at all":              {table(1017, true), true, false},
		"full rows alone":             {table(1017, false), false, true},
		"varying values":              {table(900, true, catalog.Column{Length: -1, Alignment: 4, NotNull: true}), false, false},
		"the column is there":         {table(1017, true, catalog.Column{Name: "uuid", Length: uuidBytes, Alignment: 1}), false, false},
	} {
		if sure, full := rowOverflow(t8, c.table); sure != c.sure || full != c.full {
			t.Errorf("%s: %v, %v", name, sure, full)
		}
	}
}

func TestUnvalidatedChecks(t *testing.T) {
	for definition, want := range map[string]string{
		"CHECK ((n > 0)) NOT VALID":            "((n > 0))",
		"CHECK ((n > 0)) NO INHERIT NOT VALID": "((n > 0))",
		"CHECK ((n > 0)) NOT ENFORCED":         "",
	} {
		got, ok := unvalidated(&catalog.Constraint{Kind: "c", Definition: definition})
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", definition, got, ok)
		}
	}
	if _, ok := unvalidated(&catalog.Constraint{Kind: "f"}); ok {
		t.Error("a foreign key is not checked again")
	}
}
