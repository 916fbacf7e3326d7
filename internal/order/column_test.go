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
		requested, profile, zone string
		want                     Column
		fails                    bool
	}{
		"NOT NULL first":                  {want: Column{Name: "date_added", Kind: Timestamptz, Unit: 1000, NotNull: true}},
		"from the profile":                {profile: "date_used", want: Column{Name: "date_used", Kind: Timestamp, Unit: 1}},
		"the profile's column is missing": {profile: "gone", want: Column{Name: "date_added", Kind: Timestamptz, Unit: 1000, NotNull: true}},
		"as requested":                    {requested: "created", profile: "date_used", want: Column{Name: "created", Kind: Date, Unit: Day, NotNull: true}},
		"a time zone":                     {requested: "inserted_at", zone: "Europe/Berlin", want: Column{Name: "inserted_at", Kind: Timestamp, Unit: Second, Zone: "Europe/Berlin"}},
		"a time zone for a timestamptz":   {zone: "Europe/Berlin", want: Column{Name: "date_added", Kind: Timestamptz, Unit: 1000, NotNull: true}},
		"UTC":                             {requested: "inserted_at", zone: "utc", want: Column{Name: "inserted_at", Kind: Timestamp, Unit: Second}},
		"none":                            {requested: None, profile: "date_used", want: Column{Unit: 1}},
		"missing":                         {requested: "gone", fails: true},
		"a type without a time":           {requested: "created_at", fails: true},
	} {
		got, err := Choose(table, c.requested, c.profile, c.zone)
		if got.Reason == "" && err == nil {
			t.Errorf("%s: the reason is empty", name)
		}
		got.Reason = ""
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	c, err := Choose(table, "", "gone", "")
	if want := "recognized by name and type; not the profile's column: public.t has no column gone"; err != nil || c.Reason != want {
		t.Errorf("the reason is %q, want %q; %v", c.Reason, want, err)
	}
	if c, err := Choose(catalog.Table{Columns: table.Columns[1:3]}, "", "", ""); err != nil || c.Name != "inserted_at" {
		t.Errorf("a nullable column: got %+v, %v", c, err)
	}
	if c, err := Choose(catalog.Table{}, "", "", ""); err != nil || c.Name != "" || c.Reason == "" {
		t.Errorf("no column: got %+v, %v", c, err)
	}
}
