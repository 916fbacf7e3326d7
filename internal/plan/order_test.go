package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/profile"
)

const (
	timestamptz = "timestamp with time zone"
	bigint      = "bigint"
)

// columns returns an alteration of t that adds columns, given as name and type in turn.
func columns(pairs ...string) func(*Input) {
	return onTable(func(t *catalog.Table) {
		for i := 0; i < len(pairs); i += 2 {
			addColumn(t, catalog.Column{Name: pairs[i], Type: pairs[i+1], Length: 8, Alignment: 8})
		}
	})
}

func withoutKey(s *Input) { first(s).Indexes = nil }

// TestOrders checks the source, the column and the key of a table's order, the reason, and the columns that the relation
// shows.
func TestOrders(t *testing.T) {
	values := func(v Values) func(*Input) { return func(s *Input) { s.Policy.Values = v } }
	for name, test := range map[string]struct {
		alter  []func(*Input)
		source Source
		column string
		key    string
		why    string
		shown  string // of the relation: the column, or the candidates in brackets
	}{
		"by key":              {nil, ByColumn, "", "id", "no creation-time column found", ""},
		"by name":             {[]func(*Input){columns("inserted_at", timestamptz)}, ByColumn, "inserted_at", "id", "recognized", "inserted_at"},
		"no usual name":       {[]func(*Input){columns("moment", timestamptz)}, ByColumn, "", "id", "candidates: moment (--time-column t=moment)", "[moment]"},
		"requested":           {[]func(*Input){columns("moment", timestamptz), values(Values{Columns: map[string]string{"t": "moment"}})}, ByColumn, "moment", "id", "as requested", "moment"},
		"none requested":      {[]func(*Input){columns("inserted_at", timestamptz), values(Values{Columns: map[string]string{"t": "none"}})}, ByColumn, "", "id", "as requested", "[inserted_at]"},
		"by pattern":          {[]func(*Input){columns("moment", timestamptz), values(Values{Columns: map[string]string{"*": "none", "t*": "moment"}})}, ByColumn, "moment", "id", "as requested", "moment"},
		"by number":           {[]func(*Input){columns("moment", bigint), values(Values{Columns: map[string]string{"t": "moment:ms"}})}, ByColumn, "moment", "id", "as requested", "moment (epoch milliseconds)"},
		"by clock":            {[]func(*Input){columns("inserted_at", timestamptz), values(Values{Source: ByClock})}, ByClock, "", "", "as requested", "[inserted_at]"},
		"by clock, one table": {[]func(*Input){values(Values{Sources: map[string]Source{"t": ByClock}})}, ByClock, "", "", "as requested", ""},
		"by column, others":   {[]func(*Input){values(Values{Source: ByClock, Sources: map[string]Source{"t": ByColumn}})}, ByColumn, "", "id", "no creation-time column", ""},
		"random":              {[]func(*Input){columns("inserted_at", timestamptz), values(Values{Random: []string{"t"}})}, AtRandom, "", "", "contain no time", ""},
		"no key":              {[]func(*Input){columns("inserted_at", timestamptz), withoutKey}, ByColumn, "inserted_at", "", "no key to order rows with equal times", "inserted_at"},
		"neither":             {[]func(*Input){withoutKey}, ByClock, "", "", "neither a creation-time column nor a key", ""},
	} {
		p := Build(schemaRun(test.alter...))
		if len(p.Refusals) > 0 {
			t.Errorf("%s: %v", name, p.Refusals)
			continue
		}
		o := p.Targets()[0].Order
		if o.Source != test.source || o.Column.Name != test.column || strings.Join(o.Key, ",") != test.key || !strings.Contains(o.Why, test.why) {
			t.Errorf("%s: %+v", name, o)
		}
		r := p.Relations[0]
		if shown := r.TimeColumn; shown != test.shown && !(shown == "" && test.shown == "["+strings.Join(r.TimeCandidates, ",")+"]") {
			t.Errorf("%s: the relation has the column %q and the candidates %q", name, r.TimeColumn, r.TimeCandidates)
		}
	}
}

// TestLongestPatternDecides checks that a pattern applies only to tables with its column, the longest one first.
func TestLongestPatternDecides(t *testing.T) {
	table := newTable("events_2024", 1)
	addColumn(&table, catalog.Column{Name: "at", Type: timestamptz})
	addColumn(&table, catalog.Column{Name: "made", Type: timestamptz})
	for _, test := range []struct {
		columns map[string]string
		want    string
	}{
		{map[string]string{"*": "at"}, "at"},
		{map[string]string{"*": "at", "events_*": "made"}, "made"},
		{map[string]string{"*": "at", "events_*": "gone"}, "at"},
		{map[string]string{"*": "at", "events_*": "none"}, "none"},
		{map[string]string{"a*": "at"}, ""},
		{map[string]string{"*_2024": "made", "event*": "at"}, "made"},
		{map[string]string{"events*": "made", "*s_2024": "at"}, "at"},
		{map[string]string{"*": "at", "events_2024": "gone"}, "gone"},
	} {
		if got := (Values{Columns: test.columns}).column([]string{table.Name}, &table); got != test.want {
			t.Errorf("%v: %q, want %q", test.columns, got, test.want)
		}
	}
}

// TestProfileTablesByAnyName checks that a setting finds a table of a profile by its earlier and its later name, and that
// the profile's own creation-time column comes before one with a usual name.
func TestProfileTablesByAnyName(t *testing.T) {
	for _, name := range []string{"t", "renamed"} {
		p := Build(profileRun("1", func(s *Input) { s.Policy.Values.Random = []string{name} }))
		if o := p.Targets()[0].Order; o.Source != AtRandom {
			t.Errorf("%s: %+v", name, o)
		}
	}
	p := Build(profileRun("1", columns("inserted_at", timestamptz, "used", timestamptz), func(s *Input) {
		s.Profile.Tables = []profile.Table{{Name: "t", Time: "used"}}
	}))
	if o := p.Targets()[0].Order; o.Column.Name != "used" || o.Why != "from the profile" {
		t.Errorf("%+v", o)
	}
}

// TestKeptValues checks that the plan counts the values of another version where they stay.
func TestKeptValues(t *testing.T) {
	other := func(s *Input) { addUUID(first(s)); s.Data[named("t")] = catalog.Data{Nulls: true, Other: 3} }
	if g := Build(schemaRun(other)).Targets()[0]; g.Kept != 3 {
		t.Errorf("up keeps %d values", g.Kept)
	}
	downward := func(s *Input) { s.Direction = Down }
	if g := Build(schemaRun(other, downward)).Targets()[0]; g.Kept != 0 {
		t.Errorf("down keeps %d values", g.Kept)
	}
}

func TestEpochCandidates(t *testing.T) {
	for name, test := range map[string]struct {
		alter func(*Input)
		want  string
	}{
		"integers with usual names":  {func(*Input) {}, "created_at"},
		"a requested integer":        {func(s *Input) { s.Policy.Values.Columns = map[string]string{"t": "moment"} }, "moment"},
		"a requested unit":           {func(s *Input) { s.Policy.Values.Columns = map[string]string{"t": "moment:ms"} }, ""},
		"a requested time":           {func(s *Input) { s.Policy.Values.Columns = map[string]string{"t": "at"} }, ""},
		"by a pattern":               {func(s *Input) { s.Policy.Values.Columns = map[string]string{"*": "moment"} }, "moment"},
		"the clock":                  {func(s *Input) { s.Policy.Values.Source = ByClock }, ""},
		"random values":              {func(s *Input) { s.Policy.Values.Random = []string{"t"} }, ""},
		"down":                       {func(s *Input) { s.Direction = Down }, ""},
		"by a profile's other name":  {func(s *Input) { asProfile(s); s.Policy.Values.Columns = map[string]string{"renamed": "moment"} }, "moment"},
		"random by the other name":   {func(s *Input) { asProfile(s); s.Policy.Values.Random = []string{"renamed"} }, ""},
		"a profile without settings": {asProfile, "created_at"},
	} {
		s := schemaRun(columns("created_at", bigint, "moment", bigint, "at", timestamptz), test.alter)
		if got := strings.Join(s.EpochCandidates(s.Goals().Tables[0]), ","); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func asProfile(s *Input) {
	run := profileRun("1")
	s.Scope, s.Schema.Relations = run.Scope, []catalog.Table{*first(s), run.Schema.Relations[1]}
}

// TestOrderOfChangedTable checks the order of a table during the run: its key may have gone, and a table below a root may
// be new.
func TestOrderOfChangedTable(t *testing.T) {
	p := Build(schemaRun(columns("inserted_at", timestamptz)))
	g := p.Targets()[0]
	if got := p.OrderOf(g, g.Target, nil); !slices.Equal(got.Key, []string{"id"}) {
		t.Errorf("a dropped table: %+v", got)
	}
	without := newTable("t", 1)
	without.Indexes = nil
	if got := p.OrderOf(g, g.Target, &without); got.Key != nil || !strings.Contains(got.Why, "no key") {
		t.Errorf("without its key: %+v", got)
	}
	below, target := newTable("below", 7), g.Target
	target.Root, target.Table = named("t"), "below"
	if got := p.OrderOf(g, target, &below); got.Column.Name != "" || !slices.Equal(got.Key, []string{"id"}) {
		t.Errorf("a table below without the column: %+v", got)
	}

	requested := Build(schemaRun(columns("moment", bigint), func(s *Input) { s.Policy.Values.Columns = map[string]string{"t": "moment:s"} }))
	g = requested.Targets()[0]
	if g.Order.Column.Kind != order.Seconds {
		t.Fatalf("%+v", g.Order)
	}
	requested.values.Columns = nil
	addColumn(&below, catalog.Column{Name: "moment", Type: bigint})
	if got := requested.OrderOf(g, target, &below); got.Column.Kind != order.Seconds {
		t.Errorf("the unit of the tree is not used below: %+v", got)
	}
	below.Columns[1].Type = "text"
	if got := requested.OrderOf(g, target, &below); got.Source != ByClock || got.Why == "" {
		t.Errorf("an unusable column below: %+v", got)
	}
}
