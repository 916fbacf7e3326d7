package forecast

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

func described() (catalog.Table, catalog.Stats) {
	t := catalog.Table{
		Schema: "app", Name: "t", Kind: catalog.Ordinary, Persistence: "p", Rows: 1000, Pages: 10, Fillfactor: 100, Attributes: 3, ReplicaIdentity: "d",
		Columns: []catalog.Column{
			{Number: 1, Name: "id", Type: "bigint", Length: 8, Alignment: 8},
			{Number: 2, Name: "name", Type: "text", Length: -1, Alignment: 4},
			{Number: 3, Name: "at", Type: "timestamptz", Length: 8, Alignment: 8},
		},
		Indexes: []catalog.Index{
			{OID: 7, Name: "t_pkey", Columns: []string{"id"}, Primary: true, Method: "btree"}, {OID: 8, Name: "t_name", Columns: []string{"name"}, Method: "btree"},
		},
	}
	s := catalog.Stats{
		Table: 90_000, Free: -1, Indexes: []catalog.Sized{{Index: 7, Bytes: 40_000}, {Index: 8, Bytes: 50_000}, {Index: 9, Bytes: 1}},
		Columns: []catalog.ColumnStats{{Name: "id", Width: 8, Distinct: -1, Correlation: 1}, {Name: "name", Width: 11, Distinct: -0.9, Correlation: 0.1}, {Name: "at", Width: 8}},
	}
	return t, s
}

func TestDescribe(t *testing.T) {
	for name, test := range map[string]struct {
		change      func(*catalog.Table, *catalog.Stats)
		data, width float64
		least, most float64 // of the free bytes of a page
	}{
		"the statistics know all": {func(*catalog.Table, *catalog.Stats) {}, 24 + 8 + 11 + 5 + 8, 56, 2100, 2200},
		"some values are NULL":    {func(_ *catalog.Table, s *catalog.Stats) { s.Columns[1].Nulls = 0.5 }, 49, 56, 2100, 2200},
		"a long text":             {func(_ *catalog.Table, s *catalog.Stats) { s.Columns[1].Width = 200 }, 0, 0, 0, 0},
		"dead rows":               {func(_ *catalog.Table, s *catalog.Stats) { s.DeadRows = 1000 }, 56, 56, 1700, 1800},
		"pgstattuple was asked":   {func(_ *catalog.Table, s *catalog.Stats) { s.Free = 0.5 }, 56, 56, 4000, 4100},
		"a column without any":    {func(_ *catalog.Table, s *catalog.Stats) { s.Columns = s.Columns[:2] }, 72, 72, 500, 600},
		"nothing is known":        {func(_ *catalog.Table, s *catalog.Stats) { s.Columns, s.NeverCounted = nil, true }, 77, 77, 0, 100},
	} {
		table, stats := described()
		test.change(&table, &stats)
		got := Describe(table, stats, "uuid")
		if test.width == 0 { // more than fits on the pages: the statistics are older than the rows
			test.data, test.width, test.most = 77, 77, 100
		}
		if got.Data != test.data || got.Width != test.width || got.Free < test.least || got.Free > test.most {
			t.Errorf("%s: %+v", name, got)
		}
		if len(got.Indexes) != 2 || got.Indexes[0].Scattered || got.Name != "app.t" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestScatteredIndexes(t *testing.T) {
	for name, test := range map[string]struct {
		column catalog.ColumnStats
		want   bool
	}{
		"in the order of the rows":  {catalog.ColumnStats{Name: "a", Distinct: -1, Correlation: 0.99}, false},
		"in the opposite order":     {catalog.ColumnStats{Name: "a", Distinct: -1, Correlation: -0.99}, false},
		"in no order":               {catalog.ColumnStats{Name: "a", Distinct: -1, Correlation: 0.2}, true},
		"in no order, a few values": {catalog.ColumnStats{Name: "a", Distinct: 12, Correlation: 0.2}, false},
		"unknown":                   {catalog.ColumnStats{Name: "b"}, true},
	} {
		columns := map[string]catalog.ColumnStats{test.column.Name: test.column}
		if got := scattered(catalog.Index{Columns: []string{"a"}}, columns, 10_000); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestUnfilled(t *testing.T) {
	table, stats := described()
	stats.Columns = append(stats.Columns, catalog.ColumnStats{Name: "uuid", Nulls: 0.25})
	if got := Unfilled(table, stats, "uuid"); got != 250 {
		t.Error(got)
	}
	if got := Unfilled(table, stats, "other"); got != 1000 {
		t.Error(got)
	}
}
