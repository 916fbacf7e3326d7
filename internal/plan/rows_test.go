package plan

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestRowOverflow(t *testing.T) {
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
		table        *catalog.Table
		always, full bool
	}{
		"a uuid and the null bitmap fit":         {table(1000, true), false, false},
		"the null bitmap does not fit":           {table(1003, true), true, false},
		"a bitmap exists, the uuid does not fit": {dropped, true, false},
		"nothing fits":                           {table(1017, true), true, false},
		"only full rows overflow":                {table(1017, false), false, true},
		"varying values":                         {table(900, true, catalog.Column{Length: -1, Alignment: 4, NotNull: true}), false, false},
		"the column exists":                      {table(1017, true, catalog.Column{Name: "uuid", Length: uuidBytes, Alignment: 1}), false, false},
	} {
		if always, full := rowOverflow(t8, c.table); always != c.always || full != c.full {
			t.Errorf("%s: %v, %v", name, always, full)
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
		t.Error("an UPDATE does not check a foreign key again")
	}
}
