package report

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/problem"
)

//nolint:gochecknoglobals // a flag of the test program
var update = flag.Bool("update", false, "write the golden files")

const ms = time.Millisecond

// longName is as long as a name may be.
const longName = "app.audit_events_of_customers_and_orders_before_the_last_ten_years_"

// begun is the beginning of the runs of the tests.
func begun() time.Time { return time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC) }

// at returns entries from pairs of a time since the beginning and an event.
func at(pairs ...any) []history.Entry {
	var entries []history.Entry
	for i := 0; i+1 < len(pairs); i += 2 {
		e, _ := pairs[i+1].(event.Event)
		after, _ := pairs[i].(time.Duration)
		entries = append(entries, history.Entry{At: begun().Add(after), Event: e})
	}
	return entries
}

func environment() event.Environment {
	return event.Environment{
		Program: "1.5.0", Server: "18.1", Database: "shop", Role: "migrator", Phase: "expanded",
		Options:  []event.Option{{Name: "schema", Value: "app"}, {Name: "pace", Value: "normal", Default: true}},
		Settings: []event.Setting{{Name: "max_wal_size", Value: "1GB"}},
		Tables:   []event.TableSize{{Table: "app.orders", Rows: 200_000, Bytes: 24 << 20, State: "pending"}, {Table: "app.odd|<b>\u202e", Rows: 3, Bytes: 8192, State: "pending"}},
	}
}

// done returns the events of a run that is done, with a pause, a lock timeout and an impact.
func done() []history.Entry {
	return at(
		0*ms, event.RunStarted{Run: 7, Command: "up", Schema: "app", Tables: 2, Rows: 200_003},
		1*ms, environment(),
		2*ms, event.Forecast{Cost: event.Cost{Rows: 200_003, Elapsed: 9 * time.Second, WAL: 100 << 20, Before: 30 << 20, After: 50 << 20, HeapOnly: 0.5}},
		3*ms, event.Forecast{Table: "app.orders", Cost: event.Cost{Rows: 200_000, Elapsed: 8 * time.Second, WAL: 90 << 20, Before: 29 << 20, After: 49 << 20, HeapOnly: 0.5}},
		10*ms, event.TableStarted{Table: "app.orders", Phase: "expanded", Rows: 200_000},
		12*ms, event.Executing{Step: "app.orders/add-column", Table: "app.orders", SQL: `ALTER TABLE "app"."orders" ADD COLUMN "uuid" uuid`},
		70*ms, event.LockRefused{Table: "app.orders", Attempts: 1, Blockers: []string{"pid 4711 (shop, idle in transaction for 3s)"}, Pause: 100 * ms},
		180*ms, event.Locked{
			Table: "app.orders", Attempts: 2, Wait: 3 * ms, Hold: 4500 * time.Microsecond,
			Locks: []event.LockedTable{{Table: "app.orders", Mode: "ACCESS EXCLUSIVE"}, {Table: "app.users", Mode: "SHARE ROW EXCLUSIVE"}},
		},
		181*ms, event.StepDone{Step: "app.orders/add-column", Table: "app.orders", Elapsed: 170 * ms},
		1000*ms, event.Progress{Table: "app.orders", Done: 20_000, Total: 200_000, Rate: 25_000},
		1001*ms, event.Impact{Table: "app.orders", Commit: 1100 * time.Microsecond, CommitIdle: 900 * time.Microsecond, Read: 300 * time.Microsecond, ReadIdle: 200 * time.Microsecond, Ratio: 1.5, Limit: 1.5},
		1002*ms, event.Load{WAL: 12e6, Waiting: 1, Batch: 9 * ms, Lag: 20 * ms},
		2000*ms, event.Throttled{Reason: "standby replica1 lags 14s", Paused: true},
		2001*ms, event.Impact{Table: "app.orders", Commit: 1800 * time.Microsecond, CommitIdle: 900 * time.Microsecond, Ratio: 2, Limit: 1.5, Cause: "checkpoint"},
		5000*ms, event.Throttled{},
		8000*ms, event.Progress{Table: "app.orders", Done: 200_000, Total: 200_000, Rate: 40_000},
		8001*ms, event.StepDone{Step: "app.orders/fill-column", Table: "app.orders", Elapsed: 7800 * ms},
		8500*ms, event.StepDone{Step: "app.orders/build-index", Table: "app.orders", Elapsed: 480 * ms},
		8501*ms, event.TableDone{Table: "app.orders", Phase: "expanded", Rows: 200_000, Elapsed: 8490 * ms},
		8600*ms, event.TableStarted{Table: "app.odd|<b>\u202e", Phase: "expanded", Rows: 3},
		8700*ms, event.TableDone{Table: "app.odd|<b>\u202e", Phase: "expanded", Rows: 3, Elapsed: 100 * ms},
		8710*ms, event.TableStarted{Table: longName, Phase: "expanded", Rows: 5},
		8715*ms, event.Executing{Step: longName + "/add-column", Table: longName, SQL: "ALTER TABLE app." + longName + " ADD COLUMN uuid uuid"},
		8720*ms, event.Locked{Table: longName, Locks: []event.LockedTable{{Table: longName, Mode: "ACCESS EXCLUSIVE"}}, Attempts: 1, Wait: ms, Hold: ms},
		8740*ms, event.TableDone{Table: longName, Phase: "expanded", Rows: 5, Elapsed: 30 * ms},
		8750*ms, event.Notice{Table: "app.orders", Text: "a text\twith <script>alert(1)</script>"},
		8800*ms, event.Measured{Cost: event.Cost{Rows: 200_003, Elapsed: 8800 * ms, WAL: 110 << 20, Before: 30 << 20, After: 51 << 20, HeapOnly: 0.48}},
		9000*ms, event.Result{OK: true, Command: "up", Schema: "app", Tables: 2, Rows: 200_003, Elapsed: 9 * time.Second, Locks: event.Locks{Count: 2, Attempts: 3, LongestWait: 3 * ms, LongestHold: 4500 * time.Microsecond, TotalHold: 4500 * time.Microsecond}},
		11*time.Second, verified(),
	)
}

func verified() event.Verified {
	found := rekey.Report{
		FormatVersion: event.FormatVersion, Schema: "app", OK: true,
		Tables: []rekey.TableReport{
			{Table: "orders", OK: true, Rows: 200_000, Order: &rekey.OrderReport{Source: "column", Column: "created_at", Judged: 199_990, WithoutTime: 10}},
			{Table: strings.TrimPrefix(longName, "app."), OK: true, Rows: 5, Order: &rekey.OrderReport{Source: "column", Judged: 5}},
		},
		Edges: []rekey.EdgeReport{{Table: "orders", Column: "user_id", Parent: "users", Progress: rekey.EdgeLinked, OK: true, Rows: 200_000}},
		Keys:  []rekey.KeyReport{{Table: "orders", Progress: rekey.KeySwitched, OK: true}},
	}
	document, _ := json.Marshal(found)
	return event.Verified{OK: true, Report: document, Elapsed: 2 * time.Second}
}

// built returns the report of a run with a row in the journal, or nil.
func built(entries []history.Entry, record *Record) Document {
	var b Builder
	for _, entry := range entries {
		b.Add(entry)
	}
	return b.Build(Input{Made: begun().Add(time.Hour), MadeBy: "1.5.0", Record: record})
}

func TestGolden(t *testing.T) {
	d := built(done(), nil)
	for _, format := range Formats() {
		got, err := Text(d, Format(format))
		if err != nil {
			t.Fatal(err)
		}
		if !IsReport(got[:SignSize]) {
			t.Errorf("%s: not recognized as a report", format)
		}
		name := "testdata/done." + format
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs: go test ./internal/report -update", name)
		}
	}
}

// A run may end in many ways. Each report says how, and has no empty section.
func TestEveryEnd(t *testing.T) {
	record := func(outcome string, live bool) *Record {
		return &Record{Run: 7, Command: "up", Schema: "app", Phase: "linked", Program: "1.4.0", Started: begun(), Outcome: outcome, Live: live, Detail: "a detail"}
	}
	cut := done()[:12]
	refused := event.Result{Command: "up", Schema: "app", Exit: 4, Problems: problem.List{{Kind: problem.Refused, Code: "text_column", Message: "a message", Detail: "A detail.", Hint: "rekey plan"}}}
	for name, c := range map[string]struct {
		entries []history.Entry
		record  *Record
		outcome Outcome
		says    string
	}{
		"killed":        {cut, record("abandoned", false), Killed, "recorded no end"},
		"killed now":    {cut, record("", false), Killed, "recorded no end"},
		"running":       {cut, record("", true), Running, "has not ended"},
		"refused":       {at(0*ms, refused), nil, Refused, "Nothing was changed"},
		"nothing to do": {at(0*ms, event.Result{OK: true, Command: "up", Schema: "app", NothingToDo: true}), nil, NothingToDo, "Everything was done before"},
		"older rekey":   {nil, record("done", false), Done, "an older rekey ran it"},
		"stopped":       {cut, record("stopped", false), Stopped, "a detail"},
		"interrupted":   {nil, record("interrupted", false), Interrupted, "a detail"},
		"failed":        {nil, record("failed", false), Failed, "a detail"},
	} {
		d := built(c.entries, c.record)
		if d.Run.Outcome != c.outcome {
			t.Errorf("%s: %s", name, d.Run.Outcome)
		}
		text := Markdown(d)
		if !strings.Contains(text, c.says) || strings.Contains(text, "0001-01-01") {
			t.Errorf("%s: %s", name, text)
		}
		for _, s := range sections(d) {
			if len(s.parts) == 0 {
				t.Errorf("%s: section %s is empty", name, s.title)
			}
		}
		if _, err := HTML(d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Names that others wrote are text in every format.
func TestHostileNames(t *testing.T) {
	const evil = "<script>alert(1)</script>\u202e\x1b[2J|`*_\n\"'</style><img src=x onerror=alert(1)>"
	d := built(at(
		0*ms, event.RunStarted{Run: 1, Command: "up", Schema: evil, Tables: 1},
		1*ms, event.Environment{Server: evil, Database: evil, Role: evil, Options: []event.Option{{Name: evil, Value: evil}}, Settings: []event.Setting{{Name: evil, Value: evil}}, Tables: []event.TableSize{{Table: evil, State: evil}}},
		2*ms, event.TableStarted{Table: evil, Phase: evil},
		3*ms, event.Executing{Step: evil + "/add-column", SQL: evil},
		4*ms, event.LockRefused{Table: evil, Blockers: []string{evil}},
		5*ms, event.Locked{Table: evil, Attempts: 1, Hold: ms},
		6*ms, event.Throttled{Reason: evil, Paused: true},
		7*ms, event.Impact{Ratio: 2, Limit: 1.5, Cause: evil, Commit: ms},
		8*ms, event.Notice{Table: evil, Text: evil},
		9*ms, event.Result{Command: "up", Schema: evil, Problems: problem.List{{Kind: problem.Failed, Code: "x", Message: evil, Detail: evil, Hint: evil}}, Absent: []string{evil}},
	), nil)
	for _, format := range Formats() {
		text, err := Text(d, Format(format))
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b", "\u202e"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s contains %q", format, bad)
			}
		}
		if format != "json" && (strings.Contains(text, "<script") || strings.Contains(text, "<img")) {
			t.Errorf("%s contains an element of others", format)
		}
		if format == "html" && strings.Count(text, "</style>") > 1 {
			t.Errorf("%s ends the style sheet", format)
		}
	}
}

// A report of ten thousand tables is cut, says so, and its JSON has all.
func TestManyTables(t *testing.T) {
	entries := at(0*ms, event.RunStarted{Run: 1, Command: "up", Schema: "app", Tables: 10_000})
	e := environment()
	for i := range 10_000 {
		name := fmt.Sprintf("app.table_%05d", i)
		e.Tables = append(e.Tables, event.TableSize{Table: name, Rows: 1})
		entries = append(entries, at(
			time.Duration(i)*ms, event.TableStarted{Table: name, Phase: "expanded"}, time.Duration(i)*ms, event.Locked{Table: name, Attempts: 1, Hold: ms},
			time.Duration(i+1)*ms, event.TableDone{Table: name, Phase: "expanded", Elapsed: ms})...)
	}
	d := built(append(entries, at(time.Millisecond, e)...), nil)
	page, err := HTML(d)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(page); n > 1<<20 || !strings.Contains(page, "more locks are left out here") {
		t.Errorf("%d bytes", n)
	}
	if len(d.Locks) != 10_000 || len(d.Work) != 10_000 {
		t.Errorf("%d locks, %d tables", len(d.Locks), len(d.Work))
	}
}

// A long run has a bounded number of samples, and the impact is that of all events.
func TestSamplesAreBounded(t *testing.T) {
	entries := at(0*ms, event.RunStarted{Run: 1, Command: "up", Schema: "app", Tables: 1})
	for i := range 20_000 {
		impact := event.Impact{Ratio: 1, Commit: ms}
		if i == 7_777 {
			impact.Ratio = 9
		}
		entries = append(entries, at(time.Duration(i)*time.Second, impact)...)
	}
	d := built(entries, nil)
	if n := len(d.Samples); n > 1000 || n < 500 || d.Impact.Highest != 9 || d.Impact.Samples != 20_000 {
		t.Errorf("%d samples, impact %+v", n, d.Impact)
	}
}
