package catalog

import (
	"slices"
	"testing"
)

func TestOrderKey(t *testing.T) {
	columns := []Column{
		{Name: "id", Type: "bigint", NotNull: true},
		{Name: "a", Type: "text", NotNull: true},
		{Name: "c", Type: "text", NotNull: true},
		{Name: "b", Type: "uuid", NotNull: true},
		{Name: "open", Type: "integer"},
		{Name: "later", Type: "integer", NotNull: true, Unproved: true},
		{Name: "mood", Type: "public.mood", NotNull: true},
	}
	on := func(columns ...string) Index {
		return Index{Unique: true, Valid: true, Immediate: true, Method: "btree", Columns: columns, Definition: "CREATE UNIQUE INDEX i ON t"}
	}
	with := func(i Index, change func(*Index)) Index {
		change(&i)
		return i
	}
	primary := func(columns ...string) Index { return with(on(columns...), func(i *Index) { i.Primary = true }) }
	for name, c := range map[string]struct {
		indexes []Index
		want    []string
	}{
		"none":                         {},
		"the primary key":              {[]Index{on("id"), primary("a", "c")}, []string{"a", "c"}},
		"the column itself":            {[]Index{primary("b"), on("b"), on("b", "a")}, nil},
		"another next to it":           {[]Index{primary("b"), on("a")}, []string{"a"}},
		"the fewest columns":           {[]Index{on("a", "id"), on("a")}, []string{"a"}},
		"an integer":                   {[]Index{on("a"), on("id")}, []string{"id"}},
		"by name, in any order":        {[]Index{on("id", "a"), on("a", "id")}, []string{"a", "id"}},
		"may be NULL":                  {[]Index{on("open"), on("later"), on("a", "open")}, nil},
		"a type that is not built in":  {[]Index{primary("mood"), on("a", "mood")}, nil},
		"an expression":                {[]Index{on("")}, nil},
		"not valid":                    {[]Index{with(on("a"), func(i *Index) { i.Valid = false })}, nil},
		"some rows only":               {[]Index{with(on("a"), func(i *Index) { i.Predicate = "(id > 7)" })}, nil},
		"deferrable":                   {[]Index{with(on("a"), func(i *Index) { i.Immediate = false })}, nil},
		"not unique":                   {[]Index{with(on("a"), func(i *Index) { i.Unique = false })}, nil},
		"in another order":             {[]Index{with(on("a"), func(i *Index) { i.Definition += " USING btree (a DESC)" })}, nil},
		"in another collation's order": {[]Index{with(on("a"), func(i *Index) { i.Definition += ` USING btree (a COLLATE "C")` })}, nil},
	} {
		table := Table{Columns: columns, Indexes: c.indexes}
		if got := table.OrderKey("b"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if key := (Table{Columns: columns, Indexes: []Index{on("a"), on("id")}}).IntegerKey(); key != "id" {
		t.Errorf("integer key %q", key)
	}
}
