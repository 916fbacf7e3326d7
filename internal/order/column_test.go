package order

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

func TestChoose(t *testing.T) {
	table := catalog.Table{Schema: "public", Name: "t", Columns: []catalog.Column{
		{Name: "created", Type: "date", NotNull: true},
		{Name: "inserted_at", Type: "timestamp(0) without time zone"},
		{Name: "created_at", Type: "text", NotNull: true},
		{Name: "date_added", Type: "timestamp(3) with time zone", NotNull: true},
		{Name: "date_used", Type: "timestamp without time zone"},
	}}
	for name, c := range map[string]struct {
		asked, profile, zone string
		want                 Column
		fails                bool
	}{
		"NOT NULL first":      {want: Column{Name: "date_added", Kind: Timestamptz, Unit: 1000, NotNull: true}},
		"the profile's":       {profile: "date_used", want: Column{Name: "date_used", Kind: Timestamp, Unit: 1}},
		"the profile's fails": {profile: "gone", want: Column{Name: "date_added", Kind: Timestamptz, Unit: 1000, NotNull: true}},
		"asked for":           {asked: "created", profile: "date_used", want: Column{Name: "created", Kind: Date, Unit: Day, NotNull: true}},
		"a zone":              {asked: "inserted_at", zone: "Europe/Berlin", want: Column{Name: "inserted_at", Kind: Timestamp, Unit: Second, Zone: "Europe/Berlin"}},
		"a zone of no use":    {zone: "Europe/Berlin", want: Column{Name: "date_added", Kind: Timestamptz, Unit: 1000, NotNull: true}},
		"UTC":                 {asked: "inserted_at", zone: "utc", want: Column{Name: "inserted_at", Kind: Timestamp, Unit: Second}},
		"none":                {asked: None, profile: "date_used", want: Column{Unit: 1}},
		"not there":           {asked: "gone", fails: true},
		"no time":             {asked: "created_at", fails: true},
	} {
		got, err := Choose(table, c.asked, c.profile, c.zone)
		if got.Reason == "" && err == nil {
			t.Errorf("%s: no reason", name)
		}
		got.Reason = ""
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if c, err := Choose(catalog.Table{Columns: table.Columns[1:3]}, "", "", ""); err != nil || c.Name != "inserted_at" {
		t.Errorf("a column that may be NULL: %+v, %v", c, err)
	}
	if c, err := Choose(catalog.Table{}, "", "", ""); err != nil || c.Name != "" || c.Reason == "" {
		t.Errorf("no column: %+v, %v", c, err)
	}
}
