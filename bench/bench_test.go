package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
)

// TestMain lets this binary play rekey's process, as main does.
func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" {
		os.Exit(child(order, os.Stdout))
	}
	os.Exit(m.Run())
}

// The whole benchmark on a small table: every way reaches the goal, and every figure is measured.
func TestEverything(t *testing.T) {
	t.Setenv(citusVariable, "") // TestCitus
	found, err := server.FindAny(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := defaults()
	o.rows, o.sizes, o.versions, o.inserts = 5000, []int64{6000}, []int{found.Major}, 3000
	o.tenants, o.parallel, o.children = 3, 2, 5000
	o.warm, o.idle, o.careless = 100*time.Millisecond, 100*time.Millisecond, true
	d, err := measure(t.Context(), o, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, r := range d.Servers[0].Runs {
		if r.Rows == o.rows {
			seen = append(seen, r.Name)
		}
		checkRun(t, r)
	}
	want := slices.DeleteFunc(names(), func(name string) bool { return begins(name, forecastName) || begins(name, citusName) })
	if seen = append(seen, insertsName, functionsName, tenantsName, smallName, linkName); !slices.Equal(seen, want) {
		t.Errorf("ran %v, not %v", seen, want)
	}
	if forecasts := d.Servers[0].Forecasts; len(forecasts) != len(zoo()) || slices.ContainsFunc(forecasts, func(f Forecast) bool { return f.Error != "" }) {
		t.Errorf("forecasts: %+v", forecasts)
	}
	checkRest(t, d.Servers[0])
	checkText(t, d)
}

func checkRun(t *testing.T, r Run) {
	t.Helper()
	if r.Wall <= 0 || r.WAL <= 0 || r.Table <= 0 || r.Indexes <= 0 {
		t.Errorf("%s: %+v", r.Name, r)
	}
	if r.Traffic != (r.Application != nil) || r.Traffic && (r.Application.Statements == 0 || r.Application.Failed > 0) {
		t.Errorf("%s: the application: %+v", r.Name, r.Application)
	}
	if filled := strings.HasPrefix(r.Name, "b") || isRekey(r); filled && r.Updated < r.Rows {
		t.Errorf("%s: %d rows updated", r.Name, r.Updated)
	}
	wantLocks := map[byte]int{'a': 2, 'b': 4}[r.Name[0]]
	switch {
	case strings.HasPrefix(r.Name, "d"):
		if r.Locks != nil {
			t.Errorf("%s: %+v", r.Name, r.Locks)
		}
	case isRekey(r):
		if r.Locks.By != byHold || r.Locks.Count == 0 || r.Locks.Longest <= 0 || r.Locks.Longest > r.Locks.Total || r.Memory < 1<<20 || len(r.Steps) < 5 {
			t.Errorf("%s: locks %+v, memory %d, steps %v", r.Name, r.Locks, r.Memory, r.Steps)
		}
	case r.Locks.By != byStatement || r.Locks.Count != wantLocks || r.Locks.Longest <= 0:
		t.Errorf("%s: locks %+v", r.Name, r.Locks)
	}
}

func checkRest(t *testing.T, s Server) {
	t.Helper()
	if len(s.Tenants) != 1 || s.Tenants[0].Tables != 3*tenantTables || s.Tenants[0].Kinds != 1 || s.Tenants[0].Plan <= 0 || s.Tenants[0].Up <= 0 || s.Tenants[0].Connections < 2 {
		t.Errorf("tenants: %+v", s.Tenants)
	}
	if len(s.Link) != 1 || s.Link[0].Fill <= 0 || s.Link[0].HOT <= 0 || s.Link[0].InsertLinked <= 0 || s.Link[0].Linking == nil || s.Link[0].Linking.Failed > 0 {
		t.Errorf("link: %+v", s.Link)
	}
	if len(s.Functions) < 3 || slices.ContainsFunc(s.Functions, func(f Function) bool { return f.Call <= 0 }) {
		t.Errorf("functions: %+v", s.Functions)
	}
	if len(s.Inserts) != 2 || slices.ContainsFunc(s.Inserts, func(i Insert) bool { return i.Wall <= 0 || i.WAL <= 0 || i.Index <= 0 }) {
		t.Errorf("inserts: %+v", s.Inserts)
	}
	for _, f := range s.Reach {
		if f.Value == nil && !strings.Contains(f.Figure, "in the order of creation") && !strings.Contains(f.Figure, "bursts") { // a burst begins after two seconds
			t.Errorf("%s was not measured", f.Figure)
		}
	}
}

func checkText(t *testing.T, d Document) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bench.json")
	if err := save(name, d); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var again Document
	if err := json.Unmarshal(text, &again); err != nil || len(again.Servers[0].Runs) != len(d.Servers[0].Runs) {
		t.Errorf("%v in %s", err, text)
	}
	var out bytes.Buffer
	d.write(&out)
	for _, part := range []string{"| a-own ", "| c-full-quiet ", "| v4 ", "| gen_random_uuid ", "ACCESS EXCLUSIVE hold"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, out.String())
		}
	}
	t.Log("\n" + out.String())
}

// A way that leaves rows unfilled fails, and so does a run that rekey refuses.
func TestUnfinishedRunFails(t *testing.T) {
	found, err := server.FindAny(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := defaults()
	o.idle = 0
	l, err := open(t.Context(), o, found.Major, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for name, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "1GB",
	} {
		if got := l.server.Settings[name]; got != want {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
	}
	if err := l.build(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := l.run(t.Context(), variant{name: "e", carry: idle}); err == nil {
		t.Error("nothing was done, and that was taken for a migration")
	}
	if _, err := l.run(t.Context(), variant{name: "c", carry: up(order{Pace: "hasty"})}); err == nil || !strings.Contains(err.Error(), "hasty") {
		t.Errorf("a pace that is none: %v", err)
	}
}
