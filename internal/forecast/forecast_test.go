package forecast

import (
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// recorded are tables of the benchmark's zoo on PostgreSQL 15 as a plan has read them, and what their runs have cost.
type recorded struct {
	Server Server
	Tables []Table
	Groups []Group
	Actual map[string]struct {
		Rows, WAL, After int64
		HeapOnly         float64
	}
}

func record(t *testing.T) (r recorded) {
	t.Helper()
	text, err := os.ReadFile("testdata/zoo-15.json")
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The bounds are the goals of the forecast: WAL and final size within 25 percent.
func TestForecastOfRecordedTables(t *testing.T) {
	r := record(t)
	if len(r.Groups) != len(r.Actual) {
		t.Fatalf("%d groups, %d measured", len(r.Groups), len(r.Actual))
	}
	for _, c := range Of(r.Server, r.Tables, r.Groups).Groups {
		actual := r.Actual[c.Name]
		wal, after := float64(c.WAL)/float64(actual.WAL), float64(c.After())/float64(actual.After)
		t.Logf("%-16s WAL %.2f, size %.2f, heap-only %.2f and %.2f, full %s", c.Name, wal, after, c.HeapOnly, actual.HeapOnly, c.Times[pace.Full])
		if math.Abs(float64(c.Rows-actual.Rows)) > 0.01*float64(actual.Rows) {
			t.Errorf("%s: %d rows, %d were filled", c.Name, c.Rows, actual.Rows)
		}
		for what, ratio := range map[string]float64{"WAL": wal, "size": after} {
			if ratio < 0.8 || ratio > 1.25 {
				t.Errorf("%s: %s is %.2f times the actual one", c.Name, what, ratio)
			}
		}
		if math.Abs(c.HeapOnly-actual.HeapOnly) > 0.12 {
			t.Errorf("%s: %.2f heap-only, %.2f were", c.Name, c.HeapOnly, actual.HeapOnly)
		}
	}
}

func TestFillPage(t *testing.T) {
	waves := func(n int) (bounds []int) {
		for i := range n {
			bounds = append(bounds, 1024*(i+1)/n)
		}
		return bounds
	}
	for name, test := range map[string]struct {
		rows, width, wider, free float64
		waves                    int
		least, most              float64
	}{
		"full page, narrow rows":   {136, 56, 72, 0, 16, 0.6, 0.72},
		"full page, usual rows":    {41, 192, 208, 20, 16, 0.75, 0.9},
		"full page, one wave":      {41, 192, 208, 20, 1, 0, 0},
		"space for every row":      {28, 200, 216, 2400, 16, 1, 1},
		"space for some rows only": {40, 190, 208, 400, 1, 0.02, 0.1},
		"two rows of a page":       {2, 4000, 4016, 0, 1, 0, 0},
		"lines are used up":        {200, 24, 40, 1000, 16, 0.3, 0.8},
	} {
		got := fillPage(test.rows, test.width, test.wider, test.free, waves(test.waves))
		if got.inPlace < test.least || got.inPlace > test.most || got.free < 0 || got.free > pageBytes {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func usual() (Server, Table, Group) {
	s := Server{
		Major: 18, MaxWAL: 1 << 30, MinWAL: 80 << 20, Segment: 16 << 20, Checkpoint: 5 * time.Minute, Completion: 0.9, FullPages: true,
		MaintenanceMemory: 64 << 20, Speed: Speed{Processor: 1},
	}
	table := Table{
		Name: "app.t", Rows: 10_000_000, Pages: 250_000, Width: 192, Data: 190, Free: 100, Fill: 100, Bytes: 250_000 * 8192,
		Indexes: []Index{{Bytes: 200 << 20, Entry: 16}, {Bytes: 250 << 20, Entry: 24, Scattered: true}},
	}
	bounds := []int{}
	for i := range 16 {
		bounds = append(bounds, 64*(i+1))
	}
	g := Group{Name: "app.t", Work: []Work{{
		Table: "app.t", Fill: &Fill{Rows: table.Rows, Bounds: bounds, Region: 8000}, Builds: []Build{{Rows: table.Rows, Entry: 24}}, Scans: 1, Locked: 4,
	}}}
	return s, table, g
}

// Each change makes a cost larger or smaller than the usual table's, or leaves it.
func TestWhatChangesTheForecast(t *testing.T) {
	s, table, g := usual()
	before := Of(s, []Table{table}, []Group{g}).All
	cost := func(change func(*Server, *Table, *Fill)) Cost {
		s, table, g := usual()
		change(&s, &table, g.Work[0].Fill)
		return Of(s, []Table{table}, []Group{g}).All
	}
	for name, test := range map[string]struct {
		change    func(*Server, *Table, *Fill)
		wal, time int // the sign of the difference
	}{
		"larger max_wal_size":        {func(s *Server, _ *Table, _ *Fill) { s.MaxWAL = 64 << 30 }, -1, 0},
		"no full pages":              {func(s *Server, _ *Table, _ *Fill) { s.FullPages = false }, -1, 0},
		"compressed WAL":             {func(s *Server, _ *Table, _ *Fill) { s.Compressed = true }, -1, 0},
		"logical WAL":                {func(s *Server, _ *Table, _ *Fill) { s.Logical = true }, 1, 0},
		"unlogged table":             {func(_ *Server, t *Table, _ *Fill) { t.Unlogged = true }, -1, 0},
		"slower processor":           {func(s *Server, _ *Table, _ *Fill) { s.Speed.Processor = 2 }, 0, 1},
		"cold pages":                 {func(s *Server, _ *Table, _ *Fill) { s.Speed.Page = time.Millisecond }, 0, 1},
		"free space":                 {func(_ *Server, t *Table, _ *Fill) { t.Free = 2500 }, -1, -1},
		"no index":                   {func(_ *Server, t *Table, _ *Fill) { t.Indexes = nil }, -1, -1},
		"half of the rows":           {func(_ *Server, _ *Table, f *Fill) { f.Rows /= 2 }, -1, -1},
		"an index uses the column":   {func(_ *Server, _ *Table, f *Fill) { f.Moves, f.Bounds = true, []int{1024} }, 1, 1},
		"in the order of creation":   {func(_ *Server, _ *Table, f *Fill) { f.Writer = InOrder }, 0, 1},
		"the uuids of another table": {func(_ *Server, _ *Table, f *Fill) { f.Writer = ByJoin }, 0, 1},
	} {
		got := cost(test.change)
		if sign(got.WAL-before.WAL) != test.wal || sign(int64(got.Times[pace.Full]-before.Times[pace.Full])) != test.time {
			t.Errorf("%s: WAL %d and %d, time %s and %s", name, got.WAL, before.WAL, got.Times[pace.Full], before.Times[pace.Full])
		}
	}
	if n, f, g := before.Times[pace.Normal], before.Times[pace.Full], before.Times[pace.Gentle]; f >= n || n >= g {
		t.Errorf("full %s, normal %s, gentle %s", f, n, g)
	}
	if before.Sort == 0 || before.Peak <= before.After()-before.Before() {
		t.Errorf("%+v", before)
	}
}

func sign(n int64) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// The second filling of a table finds wider rows, and its pages are in the WAL already.
func TestSecondFillingOfTable(t *testing.T) {
	s, table, g := usual()
	s.MaxWAL = 1 << 40
	f := Of(s, []Table{table}, []Group{g, {Name: "app.t.parent_id", Work: g.Work}})
	if first, second := f.Groups[0], f.Groups[1]; second.WAL >= first.WAL || second.TableBefore != first.TableAfter || second.IndexBefore != first.IndexAfter {
		t.Errorf("%+v\n%+v", first, second)
	}
	if f.All.Before() != f.Groups[0].Before() || f.All.TableAfter != f.Groups[1].TableAfter || f.All.Rows != 2*f.Groups[0].Rows {
		t.Errorf("%+v", f.All)
	}
}

func TestKeptWAL(t *testing.T) {
	const gb = 1 << 30
	for name, test := range map[string]struct {
		server Server
		want   int64
	}{
		"within max_wal_size":        {Server{MaxWAL: 8 * gb, MinWAL: gb}, 4 * gb},
		"above it":                   {Server{MaxWAL: 2 * gb, MinWAL: gb}, gb},
		"the directory is so large":  {Server{MaxWAL: 2 * gb, MinWAL: gb, WALNow: 2 * gb}, 0},
		"a slot holds it":            {Server{MaxWAL: 2 * gb, WALHeld: true, MaxHeld: -1}, 5 * gb},
		"a slot with a limit":        {Server{MaxWAL: 2 * gb, WALHeld: true, MaxHeld: 3 * gb}, 3 * gb},
		"a limit below max_wal_size": {Server{MaxWAL: 2 * gb, WALHeld: true, MaxHeld: gb}, 2 * gb},
	} {
		if got := test.server.keeps(5 * gb); got != test.want {
			t.Errorf("%s: %d, not %d", name, got, test.want)
		}
	}
}

func TestMeasuredSpeed(t *testing.T) {
	for each, want := range map[time.Duration]float64{0: 1, processorTime: 1, 2 * processorTime: 2, time.Hour: slowest, 1: fastest} {
		s := Speed{Processor: 1}
		if s.Measure(each); s.Processor != want || s.Measured != (each > 0) {
			t.Errorf("%s: %+v", each, s)
		}
	}
}

// A group whose tables are unknown, and none at all, cost nothing.
func TestForecastOfNothing(t *testing.T) {
	s, _, g := usual()
	if f := Of(s, nil, []Group{g}); f.All.WAL != 0 || f.All.Rows != 0 || f.All.HeapOnly != 0 || f.All.Peak != 0 {
		t.Errorf("%+v", f.All)
	}
	if f := Of(Server{}, []Table{{Name: "app.t"}}, []Group{g}); f.All.Peak < 0 || math.IsNaN(f.All.HeapOnly) {
		t.Errorf("%+v", f.All)
	}
}
