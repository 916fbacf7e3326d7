package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// TestAlteredTables checks which changes of a table during the run stop the work on it.
func TestAlteredTables(t *testing.T) {
	withTime := columns("inserted_at", timestamptz)
	for name, test := range map[string]struct {
		change func(*Input)
		want   string
	}{
		"no change":              {func(*Input) {}, ""},
		"more rows":              {onTable(func(t *catalog.Table) { t.Rows = 500 }), ""},
		"a new column":           {columns("note", "text"), ""},
		"a uuid column":          {onTable(func(t *catalog.Table) { addUUID(t) }), "A column uuid was added by another session."},
		"a made column":          {func(s *Input) { complete(s, first(s)) }, ""},
		"a child":                {onTable(func(t *catalog.Table) { t.Below = []catalog.Table{newTable("child", 9)} }), "Partitions or children were added to it."},
		"a view":                 {onTable(func(t *catalog.Table) { t.Kind = catalog.View }), "It is now a view."},
		"another owner":          {onTable(func(t *catalog.Table) { t.Owner, t.Owned = "bob", false }), "It now belongs to bob."},
		"a partition":            {onTable(func(t *catalog.Table) { t.Partition = true }), "is a partition: its partitioned table"},
		"its index's name taken": {func(s *Input) { s.Schema.Relations = append(s.Schema.Relations, newTable("t_uuid_idx", 9)) }, "t_uuid_idx"},
		"a dropped time column":  {onTable(func(t *catalog.Table) { t.Columns = t.Columns[:1] }), "its column inserted_at was dropped or renamed; the plan orders the rows by it"},
		"a changed time column":  {onTable(func(t *catalog.Table) { t.Columns[1].Type = "text" }), "its column inserted_at is now of type text"},
	} {
		p := Build(schemaRun(withTime))
		now := schemaRun(withTime, test.change)
		if got := p.Altered(p.Targets()[0], now.Schema); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	p := Build(partitionedRun())
	for name, test := range map[string]struct {
		change func(*Input)
		want   string
	}{
		"no change":           {func(*Input) {}, ""},
		"another partition":   {secondLevel, ""},
		"a foreign partition": {below(func(t *catalog.Table) { t.Kind = catalog.Foreign }), "is a foreign table"},
	} {
		now := partitionedRun(test.change)
		if got := p.Altered(p.Targets()[0], now.Schema); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("a tree, %s: %q, want %q", name, got, test.want)
		}
	}
}

// TestChangesUnderBackfill checks which changes of a table invalidate a backfill that has begun.
func TestChangesUnderBackfill(t *testing.T) {
	s := schemaRun(columns("inserted_at", timestamptz), onTable(func(t *catalog.Table) { addUUID(t) }))
	before := first(&s)
	g := Build(s).Targets()[0]
	for name, test := range map[string]struct {
		change func(*catalog.Table)
		want   string
	}{
		"no change":          {func(*catalog.Table) {}, ""},
		"a new column":       {func(t *catalog.Table) { addColumn(t, catalog.Column{Name: "note", Type: "text"}) }, ""},
		"another table":      {func(t *catalog.Table) { t.OID = 77 }, "dropped, renamed or detached"},
		"a new uuid column":  {func(t *catalog.Table) { t.Columns[2].Number = 9 }, "its column uuid was dropped or renamed"},
		"a new time column":  {func(t *catalog.Table) { t.Columns[1].Number = 9 }, "its column inserted_at was dropped or renamed"},
		"no time column":     {func(t *catalog.Table) { t.Columns[1].Name = "renamed" }, "its column inserted_at was dropped or renamed"},
		"a wider key column": {func(t *catalog.Table) { t.Columns[0].Type = "numeric" }, "its column id is now of type numeric"},
		"no key":             {func(t *catalog.Table) { t.Indexes = nil }, "its key has changed"},
		"a key of two":       {func(t *catalog.Table) { t.Indexes[0].Columns = []string{"id", "inserted_at"} }, "its key has changed"},
		"another unique key": {func(t *catalog.Table) { t.Indexes = append(t.Indexes, uniqueIndex("x", "inserted_at")) }, ""},
		"a new comment":      {func(t *catalog.Table) { t.Columns[1].Comment = new(string) }, ""},
	} {
		again := schemaRun(columns("inserted_at", timestamptz), onTable(func(t *catalog.Table) { addUUID(t) }), onTable(test.change))
		if got := ChangedFor(g.Order, g.Target, before, first(&again)); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := ChangedFor(g.Order, g.Target, before, nil); !strings.Contains(got, "dropped") {
		t.Errorf("a dropped table: %q", got)
	}
}
