package order

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

func TestChoosesByName(t *testing.T) {
	const tz = "timestamp with time zone"
	for name, c := range map[string]struct {
		columns []catalog.Column
		want    string // a selector
	}{
		"camel case":                     {[]catalog.Column{{Name: "updatedAt", Type: tz, NotNull: true}, {Name: "createdAt", Type: tz}}, "createdAt"},
		"a domain":                       {[]catalog.Column{{Name: "create_time", Type: "public.wt", Base: tz}}, "create_time"},
		"an earlier tier":                {[]catalog.Column{{Name: "joined_at", Type: tz, NotNull: true}, {Name: "created_on", Type: "date"}}, "created_on"},
		"nullable joined_at":             {[]catalog.Column{{Name: "joined_at", Type: tz}}, ""},
		"NOT NULL joined_at":             {[]catalog.Column{{Name: "joined_at", Type: tz, NotNull: true}}, "joined_at"},
		"published_at without a default": {[]catalog.Column{{Name: "published_at", Type: tz, NotNull: true}}, ""},
		"published_at with the clock":    {[]catalog.Column{{Name: "published_at", Type: tz, NotNull: true, DefaultsToNow: true}}, "published_at"},
		"times that change":              {[]catalog.Column{{Name: "updated_at", Type: tz, NotNull: true, DefaultsToNow: true}, {Name: "expires_at", Type: tz, NotNull: true, DefaultsToNow: true}}, ""},
		"seconds":                        {[]catalog.Column{{Name: "creation_ts", Type: "bigint", Epoch: seconds}}, "creation_ts:s"},
		"unit by values":                 {[]catalog.Column{{Name: "created_at_ms", Type: "bigint", Epoch: seconds}}, "created_at_ms:s"},
		"unit by name":                   {[]catalog.Column{{Name: "created_at_ms", Type: "bigint"}}, "created_at_ms:ms"},
		"no unit":                        {[]catalog.Column{{Name: "created_at", Type: "bigint"}}, ""},
		"mixed units":                    {[]catalog.Column{{Name: "created_at_ms", Type: "bigint", Epoch: mixed}}, ""},
		"a suffix on a timestamp":        {[]catalog.Column{{Name: "created_at_ms", Type: tz}}, ""},
		"smallint":                       {[]catalog.Column{{Name: "created_at", Type: "smallint", Epoch: seconds}}, ""},
		"text":                           {[]catalog.Column{{Name: "created_at", Type: "text"}}, ""},
	} {
		got, err := Choose(catalog.Table{Columns: c.columns}, "", "", "")
		if err != nil || got.Selector() != c.want {
			t.Errorf("%s: got %q (%v), want %q", name, got.Selector(), err, c.want)
		}
		again, err := Choose(catalog.Table{Columns: c.columns}, got.Selector(), "", "")
		if got.Name != "" && (err != nil || again.Kind != got.Kind || again.Unit != got.Unit) {
			t.Errorf("%s: its selector chooses %+v (%v)", name, again, err)
		}
	}
}

func TestUnitOf(t *testing.T) {
	const now = 1_700_000_000
	for unit, c := range map[string][2]float64{
		seconds: {700_000_000, now + 80_000},
		millis:  {1_600_000_000_000, now * 1000},
		micros:  {1_600_000_000_000_000, now * 1_000_000},
	} {
		if got := UnitOf(c[0], c[1], now); got != unit {
			t.Errorf("%v: got %s, want %s", c, got, unit)
		}
	}
	for _, c := range [][2]float64{{1, 300}, {1_600_000_000, 1_600_000_000_000}, {now, now + 100_000}, {1.6e18, 1.7e18}} {
		if got := UnitOf(c[0], c[1], now); got != mixed {
			t.Errorf("%v: got %s, want mixed", c, got)
		}
	}
}
