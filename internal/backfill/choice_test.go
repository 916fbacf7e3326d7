package backfill

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

func TestBounds(t *testing.T) {
	for n := 1; n <= maxWaves; n++ {
		all := WaveBounds(n)
		for i := 1; i < n; i++ {
			if share, before := all[i]-all[i-1], all[0]; share <= 0 || share > before {
				t.Errorf("the bounds of %d waves are %v", n, all)
			}
		}
		if all[n-1] != granularity {
			t.Errorf("%d waves end at %d", n, all[n-1])
		}
	}
	if first := WaveBounds(maxWaves)[0]; first*10 > granularity {
		t.Errorf("the first wave moves %d of %d rows: more than fit on a B-tree's page", first, granularity)
	}
}

// Each wave selects its share of the lines of any page, give or take a few. A hash would deviate by more.
func TestWavesSelectEvenly(t *testing.T) {
	for _, lines := range []int{8, 37, 60, 200} {
		before := 0
		for _, bound := range WaveBounds(min(maxWaves, lines)) {
			picked := 0
			for line := 1; line <= lines; line++ {
				if (line&255)*goldenStride&(granularity-1) < bound {
					picked++
				}
			}
			if want := float64(lines*bound) / granularity; float64(picked) < want-4 || float64(picked) > want+4 {
				t.Errorf("%d of %d lines are below %d", picked, lines, bound)
			}
			if picked < before {
				t.Error("a wave lost rows")
			}
			before = picked
		}
	}
}

func table(pages int64, perPage float64) catalog.Table {
	return catalog.Table{
		Schema: "public", Name: "t", Pages: pages, Rows: float64(pages) * perPage, Fillfactor: 100,
		Columns: []catalog.Column{{Name: "id", Type: "bigint"}, {Name: "uuid", Type: "uuid"}},
		Indexes: []catalog.Index{{Name: "t_pkey", Primary: true, Unique: true, Columns: []string{"id"}}},
	}
}

// exampleSQL returns the statements of a batch.
func exampleSQL(version int) []string {
	return Expression(`"public"."v"()`).BatchSQL(Job{Server: catalog.Server{Version: version}, Table: table(10_000, 40), Column: "uuid"})
}

func TestExplain(t *testing.T) {
	with := func(change func(*catalog.Table)) catalog.Table {
		made := table(10_000, 40)
		change(&made)
		return made
	}
	for _, c := range []struct {
		name   string
		major  int
		table  catalog.Table
		by     By
		waves  int
		reason string
	}{
		{"usual", 15, table(10_000, 40), ByPage, 16, "16 waves: a page has about 40 rows of 204 bytes and no space for all of them to grow by 20. A wave updates a few rows of every page. The first wave moves one row in 11 "},
		{"13", 13, table(10_000, 40), ByKey, 16, "16 waves"},
		{"tiny", 15, table(3, 40), ByPage, 1, "one transaction"},
		{"small", 15, table(300, 40), ByPage, 1, "too few"},
		{"wide", 15, table(10_000, 3), ByPage, 1, "2,722 bytes"},
		{"rather wide", 15, table(10_000, 9), ByPage, 9, "9 waves"},
		{"fillfactor", 15, with(func(t *catalog.Table) { t.Fillfactor = 80 }), ByPage, 16, "fillfactor 80 leaves 1,633 bytes of each page free, enough for its 40 rows of about 163 bytes"},
		{"too little for one new version", 15, with(func(t *catalog.Table) { t.Fillfactor, t.Rows = 90, 80_000 }), ByPage, 8, "no space"},
		{"fillfactor for few of many rows", 15, with(func(t *catalog.Table) { t.Fillfactor, t.Rows = 95, 400_000 }), ByPage, 16, "no space"},
		{"trigger", 15, with(func(t *catalog.Table) {
			t.Triggers = []catalog.Trigger{{Name: "touch", Enabled: "O", OnUpdate: true}, {Name: "off", Enabled: "D", OnUpdate: true}}
		}), ByPage, 16, "1 trigger fires on every row (touch)"},
		{"no key on 13", 13, with(func(t *catalog.Table) { t.Indexes = nil }), ByTuple, 1, "no integer key"},
		{"uuid key on 13", 13, with(func(t *catalog.Table) { t.Columns[0].Type = "uuid" }), ByTuple, 1, "no integer key"},
		{"index on it", 15, with(func(t *catalog.Table) {
			t.Indexes = append(t.Indexes, catalog.Index{Name: "early", Columns: []string{"uuid"}})
		}), ByPage, 1, "index early"},
		{"predicate on it", 15, with(func(t *catalog.Table) {
			t.Indexes = append(t.Indexes, catalog.Index{Name: "p", Columns: []string{"id"}, Predicate: "(uuid IS NULL)", Definition: "… WHERE (uuid IS NULL)"})
		}), ByPage, 1, "index p"},
		{"never analyzed", 15, with(func(t *catalog.Table) { t.Rows = -1 }), ByPage, 16, "16 waves"},
	} {
		got := Explain(catalog.Server{Version: c.major * 10000}, c.table, "uuid")
		if got.By != c.by || got.Waves != c.waves || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
}

func TestBatchSQL(t *testing.T) {
	text := strings.Join(exampleSQL(150000), ";\n")
	for _, part := range []string{
		`UPDATE ONLY "public"."t" SET "uuid" = "public"."v"() WHERE ctid = ANY (ARRAY (SELECT ctid FROM ONLY "public"."t"`,
		`ctid >= '(0,0)' AND ctid < '(64,0)' AND "uuid" IS NULL`, "FOR NO KEY UPDATE SKIP LOCKED",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is missing in\n%s", part, text)
		}
	}
	if text := strings.Join(exampleSQL(130000), ";\n"); !strings.Contains(text, `"id" <= '2560'::int8`) {
		t.Error(text)
	}
}

func TestPositions(t *testing.T) {
	p := position{By: ByKey, From: -5, To: 1 << 62, Waves: 2}
	p = p.advance(7)
	got, ok := decode(Checkpoint{State: p.encode(), Rows: 9}, ByKey)
	if p.filled = 9; !ok || got != p {
		t.Errorf("%+v was decoded as %+v", p, got)
	}
	for _, text := range []string{"", "{}", "x", `{"by":"keys","wave":3,"waves":2}`, `{"by":"keys","wave":-1,"waves":2}`} {
		if _, ok := decode(Checkpoint{State: []byte(text)}, ByKey); ok {
			t.Errorf("%q was decoded as a position", text)
		}
	}
	if _, ok := decode(Checkpoint{State: p.encode()}, ByPage); ok {
		t.Error("a position by key was decoded as one by page")
	}
	if p = p.nextWave(); p.Wave != 1 || p.Begun || p.Over || p.remaining() != p.region() {
		t.Errorf("the position of the next wave is %+v", p)
	}
	if p = p.nextWave(); !p.Over {
		t.Errorf("the position after the last wave is %+v", p)
	}
}

func TestEvenRegion(t *testing.T) {
	for _, c := range []struct{ region, pages, workers, want int64 }{
		{8000, 45000, 2, 7500}, {8000, 16000, 2, 8000}, {8000, 100, 2, 50}, {8000, 0, 1, 1}, {8000, 8001, 1, 4001},
	} {
		if got := evenRegion(c.region, c.pages, c.workers); got != c.want {
			t.Errorf("%+v: got %d", c, got)
		}
	}
}
