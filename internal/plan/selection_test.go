package plan

import (
	"maps"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

func TestChosenTables(t *testing.T) {
	uuidKey := func(table *catalog.Table) {
		table.Columns[0] = catalog.Column{Number: 1, Name: "id", Type: "app.uid", Base: "uuid", Length: 16, NotNull: true}
	}
	bookkeeping := func(s *Input) { first(s).Name = "goose_db_version" }
	for name, test := range map[string]struct {
		alter  []func(*Input)
		chosen string
		why    string // why the first table is skipped
	}{
		"all":                       {nil, "t u", ""},
		"selected":                  {[]func(*Input){selecting(t, "u", "")}, "u", "not among the selected tables"},
		"excluded":                  {[]func(*Input){selecting(t, "*", "t")}, "u", "excluded"},
		"bookkeeping":               {[]func(*Input){bookkeeping}, "u", "the bookkeeping of goose"},
		"bookkeeping by pattern":    {[]func(*Input){bookkeeping, selecting(t, "*", "")}, "u", "the bookkeeping of goose"},
		"bookkeeping by name":       {[]func(*Input){bookkeeping, selecting(t, "goose_db_version,u", "")}, "goose_db_version u", ""},
		"bookkeeping with a column": {[]func(*Input){bookkeeping, func(s *Input) { complete(s, first(s)) }}, "goose_db_version u", ""},
		"excluded with a column":    {[]func(*Input){func(s *Input) { complete(s, first(s)) }, selecting(t, "*", "t")}, "u", "excluded"},
		"a uuid key":                {[]func(*Input){onTable(uuidKey)}, "u", "its primary key id is a uuid already"},
		"a uuid key by name":        {[]func(*Input){onTable(uuidKey), selecting(t, "t,u", "")}, "t u", ""},
		"a uuid key in a wider key": {[]func(*Input){onTable(uuidKey), onTable(func(t *catalog.Table) { t.Indexes[0].Columns = []string{"id", "n"} })}, "t u", ""},
		"a uuid key and the column": {[]func(*Input){onTable(uuidKey), onTable(func(t *catalog.Table) { addUUID(t) })}, "t u", ""},
		"a view by name":            {[]func(*Input){onTable(func(t *catalog.Table) { t.Kind = catalog.View }), selecting(t, "t,u", "")}, "u", "a view"},
	} {
		p := Build(schemaRun(test.alter...))
		if got := strings.Join(p.Names, " "); got != test.chosen {
			t.Errorf("%s: %s, want %s", name, got, test.chosen)
		}
		if r := p.Relations[0]; r.Why != test.why || (r.State == Skipped) != (test.why != "") {
			t.Errorf("%s: %s %q", name, r.State, r.Why)
		}
	}
}

func selecting(t *testing.T, tables, exclude string) func(*Input) {
	t.Helper()
	selected, excluded := patterns(t, tables), patterns(t, exclude)
	return func(s *Input) { s.Selection.Filter.Tables, s.Selection.Filter.Exclude = selected, excluded }
}

func TestTargetNames(t *testing.T) {
	mark := `[rekey: made {"of":"app.t","index":"kept_idx"}]`
	for name, test := range map[string]struct {
		alter         []func(*Input)
		column, index string
	}{
		"defaults":            {nil, "uuid", "t_uuid_idx"},
		"of all tables":       {[]func(*Input){func(s *Input) { s.Selection.Naming = Naming{Column: "key", Index: "{table}_{column}_key"} }}, "key", "t_key_key"},
		"of one table":        {[]func(*Input){func(s *Input) { s.Selection.Overrides = map[string]Naming{"t": {Column: "key"}} }}, "key", "t_key_idx"},
		"its index":           {[]func(*Input){func(s *Input) { s.Selection.Overrides = map[string]Naming{"t": {Index: "own"}} }}, "uuid", "own"},
		"of another table":    {[]func(*Input){func(s *Input) { s.Selection.Overrides = map[string]Naming{"u": {Column: "key"}} }}, "uuid", "t_uuid_idx"},
		"of the mark":         {[]func(*Input){onTable(func(t *catalog.Table) { addUUID(t).Comment = &mark })}, "uuid", "kept_idx"},
		"an index that fits":  {[]func(*Input){onTable(func(t *catalog.Table) { addUUID(t); t.Indexes = append(t.Indexes, uniqueIndex("other", "uuid")) })}, "uuid", "other"},
		"one that fits, down": {[]func(*Input){func(s *Input) { s.Direction = Down }, onTable(func(t *catalog.Table) { addUUID(t); t.Indexes = append(t.Indexes, uniqueIndex("other", "uuid")) })}, "uuid", "t_uuid_idx"},
		"one that does not":   {[]func(*Input){onTable(func(t *catalog.Table) { addUUID(t); t.Indexes = append(t.Indexes, uniqueIndex("other", "uuid", "id")) })}, "uuid", "t_uuid_idx"},
	} {
		s := schemaRun(test.alter...)
		got := s.Selection.Target("app", first(&s), s.Direction)
		if got.Column != test.column || got.Index != test.index || !got.KeepsMark {
			t.Errorf("%s: %+v", name, got)
		}
	}
	selection := Selection{Naming: Naming{Column: "all"}, Overrides: map[string]Naming{"t": {Column: "own"}, "u": {Index: "i"}}}
	if got := selection.reading().Columns; !maps.Equal(got, map[string]string{"t": "own", "u": "all"}) {
		t.Errorf("the columns of the overrides are %v", got)
	}
}
