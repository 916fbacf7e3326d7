package doctor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/problem"
)

// healthy returns the facts of a database on which a run begins at once.
func healthy() Facts {
	now := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	return Facts{
		Server: catalog.Server{Role: catalog.Role{Name: "app", Monitor: true, CreateDatabase: true}}, Schema: "app", Pending: true, Here: now,
		Health: catalog.Health{Now: now, Settings: map[string]catalog.Setting{"autovacuum": {Value: "on"}}},
	}
}

func TestHealthyServerIsFine(t *testing.T) {
	found := Examine(healthy())
	for _, f := range found {
		if f.Level != Fine || f.Text == "" || f.Name == "" {
			t.Errorf("%+v", f)
		}
	}
	if !Ready(found) {
		t.Error("a run would not begin")
	}
}

func TestFindings(t *testing.T) {
	refusal := func(code, table string) *problem.Problem {
		return &problem.Problem{Kind: problem.Refused, Code: code, Table: "app." + table, Message: code + " of app." + table, Hint: "resolve " + table}
	}
	for name, c := range map[string]struct {
		change func(*Facts)
		level  Level
		says   []string // of the text and the hint
		never  string
	}{
		"plan": {
			func(f *Facts) {
				f.Refusals = problem.List{refusal("text_column", "a"), refusal("text_column", "b"), refusal("text_column", "c"), refusal("text_column", "d"), refusal("text_column", "e")}
			},
			Refuses,
			[]string{"text_column of app.a; also b, c, d and 1 more", "resolve a"},
			"resolve b",
		},
		"pooler": {func(f *Facts) { f.Pooled = true }, Refuses, []string{"pooler", "--direct-url"}, ""},
		"lease": {
			func(f *Facts) {
				f.Lease = &Lease{Live: true, Command: "up", Host: "ops", PID: 7, Since: f.Here.Add(-time.Hour), Paused: "standby a is 20s behind"}
			},
			Refuses,
			[]string{"rekey up on host ops, pid 7, since 1h", "pauses: standby a"},
			"",
		},
		"stale lease": {func(f *Facts) { f.Lease = &Lease{Command: "up", Host: "ops", PID: 7} }, Fine, []string{"expired lease of host ops"}, ""},
		"unfinished":  {func(f *Facts) { f.LastRun, f.Server.JournalSchema.Exists = &LastRun{Command: "up"}, true }, Fine, []string{"the last up did not end"}, ""},
		"event trigger": {
			func(f *Facts) { f.Events = []catalog.EventTrigger{{Name: "audit"}} }, Slows, []string{"audit"}, "",
		},
		"unread": {func(f *Facts) { f.Server.Standbys = []catalog.Standby{{Name: "s1"}, {Name: "s2"}}; f.Standby = 1 }, Slows, []string{"1 connected standby is not read", "--standby-url"}, ""},
		"lock": {func(f *Facts) {
			f.Health.Holders = []catalog.Holder{{Table: "app.a", PID: 9, Application: "psql", Mode: "ACCESS SHARE", Age: -1}}
		}, Slows, []string{"pid 9 psql: ACCESS SHARE on app.a"}, " for "},
		"autovacuum": {func(f *Facts) { f.Health.Holders = []catalog.Holder{{Table: "app.a", PID: 9, Autovacuum: true}} }, Fine, []string{"locks"}, "9"},
		"off":        {func(f *Facts) { f.Health.Settings["autovacuum"] = catalog.Setting{Value: "off"} }, Slows, []string{"autovacuum is off", "ALTER SYSTEM SET autovacuum = on"}, ""},
		"role's own": {func(f *Facts) { f.Health.Settings["lock_timeout"] = catalog.Setting{Value: "500"} }, Fine, []string{"its own lock_timeout"}, ""},
		"off, and no risk": {func(f *Facts) {
			f.Health.Settings["autovacuum"], f.Forecast, f.Without = catalog.Setting{Value: "off"}, true, []string{"autovacuum"}
		}, Fine, nil, "autovacuum"},
		"autovacuum of a table": {func(f *Facts) {
			f.Health.Unvacuumed = []sqltext.Table{{Schema: "app", Name: "Big"}, {Schema: "app", Name: "b"}}
		}, Slows, []string{"turned off for Big, b", `ALTER TABLE "app"."Big" RESET (autovacuum_enabled)`}, ""},
		"temporary files": {func(f *Facts) {
			f.Sort, f.Health.Settings["temp_file_limit"] = 3<<20, catalog.Setting{Value: "2048"}
		}, Slows, []string{"up to 3 MB", "is 2 MB", "SET temp_file_limit = -1"}, ""},
		"enough temporary files": {func(f *Facts) {
			f.Sort, f.Health.Settings["temp_file_limit"] = 2<<20, catalog.Setting{Value: "2048"}
		}, Slows, nil, "temp_file_limit"},
		"unlimited temporary files": {func(f *Facts) { f.Sort, f.Health.Settings["temp_file_limit"] = 2<<20, catalog.Setting{Value: "-1"} }, Slows, nil, "temp_file_limit"},
		"checkpoints":               {func(f *Facts) { f.Health.Settings["checkpoint_timeout"] = catalog.Setting{Value: "30"} }, Slows, []string{"checkpoint_timeout is 30s", "pg_reload_conf"}, ""},
		"sizes of WAL": {func(f *Facts) {
			f.Health.Settings["wal_level"], f.Health.Settings["max_wal_size"] = catalog.Setting{Value: "replica"}, catalog.Setting{Value: "1024", Unit: "MB"}
		}, Fine, []string{"settings (wal_level replica, max_wal_size 1024 MB)"}, ""},
		"pgstattuple": {func(f *Facts) { f.Health.StatTupleAvailable = true }, Fine, []string{"CREATE EXTENSION pgstattuple"}, ""},
		"synchronous": {func(f *Facts) { f.Health.Settings["synchronous_standby_names"] = catalog.Setting{Value: "*"} }, Slows, []string{"commits"}, ""},
		"clock":       {func(f *Facts) { f.Here = f.Here.Add(-time.Minute) }, Slows, []string{"1m ahead of"}, ""},
		"risks": {
			func(f *Facts) {
				f.Forecast, f.Risks = true, []Risk{{"slots", "nothing reads old", "drop it"}, {"slots", "nothing reads older", "drop it too"}, {"disk", "too little", ""}}
			}, Slows, []string{"nothing reads old; and 1 more", "drop it", "too little"}, "drop it too",
		},
		"no risk": {func(f *Facts) { f.Forecast, f.Without = true, []string{"long-transaction"} }, Fine, []string{"long transaction"}, ""},
		"monitor": {func(f *Facts) { f.Server.Role.Monitor = false }, Hidden, []string{"role app lacks pg_monitor", "GRANT pg_monitor TO"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			facts := healthy()
			c.change(&facts)
			found := Examine(facts)
			if !slices.IsSortedFunc(found, func(a, b Finding) int { return rank(a.Level) - rank(b.Level) }) || Ready(found) != (c.level != Refuses) {
				t.Errorf("ready %v: %+v", Ready(found), found)
			}
			all := ""
			for _, f := range found {
				if f.Level == c.level {
					all += f.Text + "\n" + f.Hint + "\n"
				}
			}
			for _, part := range c.says {
				if !strings.Contains(all, part) {
					t.Errorf("%q is not in: %s", part, all)
				}
			}
			if c.never != "" && strings.Contains(all, c.never) {
				t.Errorf("%q is in: %s", c.never, all)
			}
		})
	}
}
