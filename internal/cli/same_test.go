package cli

import (
	"context"
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// sameCall is one call, as a command line and as a call of the library.
type sameCall struct {
	words []string
	call  func(*job) // nil: the library's types cannot express it
	codes string     // of the problems; "" for none
}

func kit(j *job) {
	p := phoenixkit.Profile()
	j.profile, j.schema.Name = &p, "public"
}

func refs(table, column, parent string) []rekey.Reference {
	return []rekey.Reference{{Table: table, Column: column, Parent: parent}}
}

func twins() []sameCall {
	long := strings.Repeat("x", 64)
	app := func(flag, value string, codes string, call func(*job)) sameCall {
		return sameCall{[]string{"--schema", "app", "--" + flag, value}, call, codes}
	}
	profile := func(flag, value string, codes string, call func(*job)) sameCall {
		if call == nil {
			return sameCall{[]string{"--profile", "phoenixkit", "--" + flag, value}, nil, codes}
		}
		return sameCall{[]string{"--profile", "phoenixkit", "--" + flag, value}, func(j *job) { kit(j); call(j) }, codes}
	}
	table := func(j *job, name string, source rekey.ValueSource) {
		j.options.Tables = map[string]rekey.TableOptions{name: {Values: source}}
	}
	nodes := func(address string) func(*job) {
		return func(j *job) { j.options.Cluster.Nodes = map[string]*pgxpool.Config{address: {}} }
	}
	all := []sameCall{
		{[]string{"--schema", "app"}, func(*job) {}, ""},
		{[]string{"--profile", "phoenixkit"}, kit, ""},
		{nil, nil, "no_scope"},
		{[]string{"--schema", "app", "--profile", "phoenixkit"}, nil, "schema_and_profile"},
		{[]string{"--schema", "app", "--prefix", "app"}, nil, "schema_and_profile"},
		{[]string{"--schema", "app", "--version", "40"}, nil, "version_without_profile"},
		{[]string{"--schema", long}, func(j *job) { j.schema.Name = long }, "bad_schema"},
		{[]string{"--schema", "a\x00"}, func(j *job) { j.schema.Name = "a\x00" }, "bad_schema"},
		{[]string{"--schema", "postgres://a:hunter2@b/c"}, func(j *job) { j.schema.Name = "postgres://a:hunter2@b/c" }, "bad_schema"},
		profile("prefix", long, "bad_prefix", func(j *job) { j.schema.Name = long }),
		profile("prefix", "auth", "", func(j *job) { j.schema.Name = "auth" }),
		profile("version", "39", "bad_version", nil),
		profile("version", "0", "bad_version", nil),
		profile("tables", "a", "selection_without_schema", nil),
		profile("exclude", "a", "selection_without_schema", nil),
		profile("column", "a", "selection_without_schema", nil),
		profile("index-name", "{table}", "selection_without_schema", nil),
		{[]string{"--profile", "phoenixkit", "--skip-refused"}, nil, "selection_without_schema"},
		app("tables", `a\`, "bad_pattern", func(j *job) { j.schema.Tables = []string{`a\`} }),
		app("tables", "a,b,a", "duplicate_pattern", func(j *job) { j.schema.Tables = []string{"a", "b", "a"} }),
		app("exclude", `a\`, "bad_pattern", func(j *job) { j.schema.Exclude = []string{`a\`} }),
		app("exclude", "a*,a?", "", func(j *job) { j.schema.Exclude = []string{"a*", "a?"} }),
		app("column", long, "bad_column", func(j *job) { j.schema.Column = long }),
		app("column", "password=hunter2", "bad_column", func(j *job) { j.schema.Column = "password=hunter2" }),
		app("index-name", "x", "bad_index_name", func(j *job) { j.schema.IndexName = "x" }),
		app("index-name", "{table}{", "bad_index_name", func(j *job) { j.schema.IndexName = "{table}{" }),
		app("index-name", "{table}"+long, "bad_index_name", func(j *job) { j.schema.IndexName = "{table}" + long }),
		app("pace", "fast", "bad_pace", func(j *job) { j.options.Backfill.Pace = "fast" }),
		app("pace", "full", "", func(j *job) { j.options.Backfill.Pace = "full" }),
		app("max-impact", "1", "bad_max_impact", func(j *job) { j.options.Backfill.MaxImpact = 1 }),
		app("max-impact", "101", "bad_max_impact", func(j *job) { j.options.Backfill.MaxImpact = 101 }),
		app("max-impact", "1e300", "bad_max_impact", func(j *job) { j.options.Backfill.MaxImpact = 1e300 }),
		app("max-impact", "NaN", "bad_max_impact", func(j *job) { j.options.Backfill.MaxImpact = math.NaN() }),
		app("max-impact", "1.05", "", func(j *job) { j.options.Backfill.MaxImpact = 1.05 }),
		app("max-impact", "off", "", func(j *job) { j.options.Backfill.MaxImpact = rekey.NoMaxImpact }),
		app("throttle-query", "COPY (SELECT 1) TO PROGRAM 'id'", "bad_throttle_query", func(j *job) { j.options.Throttle.Query = "COPY (SELECT 1) TO PROGRAM 'id'" }),
		app("throttle-query", "SELECT 1; SELECT 2", "bad_throttle_query", func(j *job) { j.options.Throttle.Query = "SELECT 1; SELECT 2" }),
		app("throttle-query", "SELECT app.busy()", "", func(j *job) { j.options.Throttle.Query = "SELECT app.busy()" }),
		app("throttle-file", "postgres://a:hunter2@b/c", "bad_throttle_file", func(j *job) { j.options.Throttle.File = "postgres://a:hunter2@b/c" }),
		app("without-signal", "lga", "unknown_signal", func(j *job) { j.options.Throttle.Without = []string{"lga"} }),
		app("without-signal", "lag,wal", "", func(j *job) { j.options.Throttle.Without = []string{"lag", "wal"} }),
		app("trust-owner", "postgres://a:hunter2@b/c", "bad_trust_owner", func(j *job) { j.options.Permissions.TrustOwners = []string{"postgres://a:hunter2@b/c"} }),
		app("trust-owner", long, "bad_trust_owner", func(j *job) { j.options.Permissions.TrustOwners = []string{long} }),
		app("trust-owner", "app_owner", "", func(j *job) { j.options.Permissions.TrustOwners = []string{"app_owner"} }),
		app("to", "integer", "unknown_phase", func(j *job) { j.options.To = "integer" }),
		app("to", "expanded", "", func(j *job) { j.options.To = rekey.Expanded }),
		app("to", "linked", "", func(j *job) { j.options.To = rekey.Linked }),
		app("to", "integers", "wrong_phase", nil), // in Go, Up refuses it
		profile("to", "linked", "", func(j *job) { j.options.To = rekey.Linked }),
		app("arbiter", "integers", "unknown_arbiter", func(j *job) { j.options.Arbiter = "integers" }),
		app("arbiter", "both", "", func(j *job) { j.options.Arbiter = rekey.ArbiterBoth }),
		app("to", "switched", "", func(j *job) { j.options.To = rekey.Switched }),
		profile("to", "switched", "phase_not_offered", func(j *job) { j.options.To = rekey.Switched }),
		app("accept", "group", "unknown_hazard", func(j *job) { j.options.Accept = []rekey.HazardName{"group"} }),
		app("accept", "group-by,lost-objects", "", func(j *job) { j.options.Accept = []rekey.HazardName{rekey.HazardGroupBy, rekey.HazardLostObjects} }),
		app("confirm", long, "bad_confirm", func(j *job) { j.options.Confirm = long }),
		app("confirm", "app", "", func(j *job) { j.options.Confirm = "app" }),
		app("parents", "auth", "", func(j *job) { j.schema.Parents = []string{"auth"} }),
		app("parents", long, "bad_parents", func(j *job) { j.schema.Parents = []string{long} }),
		app("parents", "", "bad_parents", func(j *job) { j.schema.Parents = []string{""} }),
		profile("parents", "auth", "selection_without_schema", nil),
		app("reference", "orders.user_id=users", "", func(j *job) { j.schema.References = refs("orders", "user_id", "users") }),
		app("reference", "a.b.user_id=auth.users", "", func(j *job) { j.schema.References = refs("a.b", "user_id", "auth.users") }),
		app("reference", "orders."+long+"=users", "bad_reference", func(j *job) { j.schema.References = refs("orders", long, "users") }),
		app("reference", "user_id=users", "bad_reference", nil), // in Go, each part is a field
		app("reference", "orders.user_id=", "bad_reference", func(j *job) { j.schema.References = refs("orders", "user_id", "") }),
		app("reference", "a.b=postgres://a:hunter2@b/c", "bad_reference", func(j *job) { j.schema.References = refs("a", "b", "postgres://a:hunter2@b/c") }),
		{
			[]string{"--schema", "app", "--reference", "a.b=c", "--reference", "a.b=d"},
			func(j *job) { j.schema.References = append(refs("a", "b", "c"), refs("a", "b", "d")...) }, "bad_reference",
		},
		profile("reference", "a.b=c", "selection_without_schema", nil),
		app("time-source", "yesterday", "bad_time_source", nil),
		app("time-source", "a=yesterday", "bad_time_source", nil),
		app("time-source", "=now", "bad_time_source", func(j *job) { table(j, "", rekey.MigrationTime()) }),
		app("time-column", "a="+long, "bad_time_column", func(j *job) { table(j, "a", rekey.TimeColumn(long)) }),
		profile("time-column", "a=b", "unknown_table", func(j *job) { table(j, "a", rekey.TimeColumn("b")) }),
		profile("random", "a", "unknown_table", func(j *job) { table(j, "a", rekey.RandomValues()) }),
		{[]string{"--schema", "app", "--random", "a", "--time-column", "a=b"}, nil, "contradiction"},
		app("time-zone", "postgres://a:hunter2@b/c", "bad_time_zone", func(j *job) { j.options.Values.TimeZone = "postgres://a:hunter2@b/c" }),
		app("disk-free", "500GB", "", func(j *job) { j.options.Forecast.DiskFree = 500 << 30 }),
		app("max-per-node", "5", "bad_max_per_node", func(j *job) { j.options.Cluster.MaxPerNode = 5 }),
		app("max-per-node", "6", "", func(j *job) { j.options.Cluster.MaxPerNode = 6 }),
		app("node-url", "10.0.0.1:5432=postgres://b:hunter2@c/d", "", nodes("10.0.0.1:5432")),
		app("node-url", "10.0.0.1=postgres://b:hunter2@c/d", "bad_node_url", nodes("10.0.0.1")),
		app("node-url", "10.0.0.1:0=postgres://b:hunter2@c/d", "bad_node_url", nodes("10.0.0.1:0")),
		app("node-url", "postgres://b:hunter2@c/d", "bad_node_url", nodes("")),
		{[]string{"--schema", "app", "--node-url", "a:1=postgres://c/d", "--node-url", "a:1=postgres://c/d"}, nil, "bad_node_url"}, // in Go, they are a map
		app("max-retained-wal", "5GB", "", func(j *job) { j.options.Throttle.MaxRetainedWAL = 5 << 30 }),
		{
			[]string{"--schema", long, "--lock-timeout", "1h", "--pace", "x"},
			func(j *job) { j.schema.Name, j.options.Locks.Timeout, j.options.Backfill.Pace = long, time.Hour, "x" }, "bad_schema bad_pace bad_lock_timeout",
		},
	}
	durations := map[string]func(*rekey.Options, time.Duration){
		"soak":               func(o *rekey.Options, d time.Duration) { o.Soak = d },
		"lock-timeout":       func(o *rekey.Options, d time.Duration) { o.Locks.Timeout = d },
		"lock-retry-timeout": func(o *rekey.Options, d time.Duration) { o.Locks.RetryTimeout = d },
		"batch-time":         func(o *rekey.Options, d time.Duration) { o.Backfill.BatchTime = d },
		"max-lag":            func(o *rekey.Options, d time.Duration) { o.Throttle.MaxLag = d },
		"max-snapshot-age":   func(o *rekey.Options, d time.Duration) { o.Throttle.MaxSnapshotAge = d },
	}
	for flag, set := range durations {
		code := "bad_" + strings.ReplaceAll(strings.TrimPrefix(flag, "max-snap"), "-", "_")
		if flag == "max-snapshot-age" {
			code = "bad_snapshot_age"
		}
		most := time.Duration(setting.Max(flag))
		for _, d := range []time.Duration{-time.Second, -1, most + 1, math.MaxInt64} {
			all = append(all, app(flag, d.String(), code, func(j *job) { set(&j.options, d) }))
		}
		for _, d := range []time.Duration{time.Millisecond, most} {
			all = append(all, app(flag, d.String(), "", func(j *job) { set(&j.options, d) }))
		}
	}
	return all
}

// The command line and the library refuse the same settings, with the same code and sentence, each with its own names,
// before they connect.
func TestFlagsAndLibraryAgree(t *testing.T) {
	for _, twin := range twins() {
		reached := false
		l := upWith(func(context.Context, *pgxpool.Pool, job) (event.Result, error) {
			reached = true
			return event.Result{}, nil
		})
		connected := false
		l.connect = func(context.Context, connection) (*pgxpool.Pool, error) { connected = true; return nil, nil } //nolint:nilnil // a fake
		got := try(t, l, nil, append([]string{"up", "--json"}, twin.words...)...)
		var result struct{ Problems problem.List }
		if !reached {
			got.last(t, &result)
		}
		if twin.call == nil {
			if got.code != 2 || connected || codes(result.Problems) != twin.codes {
				t.Errorf("%q: %+v", twin.words, got)
			}
			continue
		}
		j := job{schema: rekey.Schema{Name: "app"}}
		twin.call(&j)
		_, err := rekey.New(nil, j.scope(), &j.options)
		var list problem.List
		if !errors.As(err, &list) || !errors.Is(err, problem.ErrUsage) {
			t.Fatalf("%q: %v", twin.words, err)
		}
		if twin.codes == "" {
			if got.code != 0 || !reached || len(list) != 1 || list[0].Code != "no_pool" {
				t.Errorf("%q: %+v; %v", twin.words, got, err)
			}
			continue
		}
		if flags, fields := sentences(result.Problems), sentences(list); got.code != 2 || connected || flags != fields || codes(list) != twin.codes {
			t.Errorf("%q, %s:\n%s\n%s", twin.words, codes(list), flags, fields)
		}
		if strings.Contains(got.stdout+got.stderr+err.Error(), "hunter2") {
			t.Errorf("%q: %+v %v", twin.words, got, err)
		}
		if strings.Contains(err.Error(), "--") {
			t.Errorf("%q: the library speaks of flags: %v", twin.words, err)
		}
	}
}

func codes(list problem.List) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Code)
	}
	return strings.Join(all, " ")
}

// sentences returns the problems without the names of the settings.
func sentences(list problem.List) string {
	name := regexp.MustCompile(`--[a-z-]+|\b(Options\.)?(Locks|Backfill|Throttle|Cluster|Values|Permissions|Tables|To|Arbiter|Accept|Confirm|Soak)\b(\[[^\]]*\])?(\.[A-Z][A-Za-z]+)*|\b(Profile|Schema)\b(\.[A-Z][A-Za-z]+)?(\([^)]*\))?|\brekey up\b|\bUp\b`)
	lines := ""
	for _, p := range list {
		lines += strings.ReplaceAll(name.ReplaceAllString(p.Code+" "+p.Message+" "+p.Detail, "X"), "X:", "X") + "\n"
	}
	return lines
}

// A flag or an option must be in TestFlagsAndLibraryAgree or in a list here.
func TestEverySettingIsCompared(t *testing.T) {
	var compared []string
	changed := map[string]bool{}
	for _, twin := range twins() {
		compared = append(compared, twin.words...)
		if twin.call != nil {
			var j job
			twin.call(&j)
			notZero("", reflect.ValueOf(j.options), changed)
			notZero("Schema.", reflect.ValueOf(j.schema), changed)
		}
	}
	a := &app{Process: Process{Getenv: func(string) string { return "" }}}
	others := []string{ // no value can be wrong, or they are about many schemas, files and connections
		"database-url", "direct-url", "standby-url", "json", "quiet", "no-color", "config", "subscribers-ready", "fire-triggers", "keep-id", "rename-keys",
		"targets", "group", "parallel", "canary", "on-error", "max-failures", "help", "report",
		"serve", "serve-remote", // the page checks its address when it begins
	}
	a.upCommand().Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(compared, "--"+f.Name) && !slices.Contains(others, f.Name) {
			t.Errorf("--%s is not compared", f.Name)
		}
	})
	for _, cmd := range a.root().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			unchecked := []string{"database-url", "direct-url", "standby-url", "json", "quiet", "no-color", "subscribers-ready", "fire-triggers", "keep-id", "rename-keys", "exit-code", "sql", "calibrate", "help", "help-all", "rows", "server", "keep", "report", "run", "verify", "serve", "serve-remote", "listen", "watch"}
			if !setting.IsNumber(f.Name) && !setting.IsText(f.Name) && !slices.Contains(unchecked, f.Name) {
				t.Errorf("%s --%s is in no table", cmd.Name(), f.Name)
			}
		})
	}
	all := map[string]bool{}
	fieldNames("", reflect.TypeFor[rekey.Options](), all)
	fieldNames("Schema.", reflect.TypeFor[rekey.Schema](), all)
	unchecked := []string{ // no value of these can be wrong by itself
		"Schema.SkipRefused", "Permissions.SubscribersReady", "Permissions.FireTriggers", "KeepID", "RenameKeys", "Direct", "Standbys", "Stop", "OnEvent", "Values.Source", "Forecast.Calibrate",
	}
	for name := range all {
		if !changed[name] && !slices.Contains(unchecked, name) {
			t.Errorf("%s is not compared", name)
		}
	}
}

// fieldNames adds the names of the fields of a struct, and of the groups in rekey.Options.
func fieldNames(prefix string, in reflect.Type, all map[string]bool) {
	for f := range in.Fields() {
		if strings.HasSuffix(f.Type.Name(), "Options") {
			fieldNames(f.Name+".", f.Type, all)
			continue
		}
		all[prefix+f.Name] = true
	}
}

// notZero adds the names of the fields that have a value.
func notZero(prefix string, in reflect.Value, all map[string]bool) {
	for i := range in.NumField() {
		f := in.Type().Field(i)
		switch {
		case strings.HasSuffix(f.Type.Name(), "Options"):
			notZero(f.Name+".", in.Field(i), all)
		case !in.Field(i).IsZero():
			all[prefix+f.Name] = true
		}
	}
}

// The numbers of a command on many schemas have the limits of a Fleet.
func TestFleetNumbersHaveLimits(t *testing.T) {
	for words, fleet := range map[string]rekey.Fleet{
		"--parallel 33": {Parallel: 33}, "--parallel -1": {Parallel: -1}, "--canary -1": {Canary: -1}, "--max-failures -1 --on-error continue": {MaxFailures: -1},
	} {
		got := try(t, library{}, nil, append([]string{"up", "--schema", "tenant_*"}, strings.Fields(words)...)...)
		err := fleet.Check()
		if got.code != 2 || !errors.Is(err, problem.ErrUsage) {
			t.Errorf("%s: %+v; %v", words, got, err)
		}
	}
	if err := (rekey.Fleet{Parallel: 32, Canary: 1, MaxFailures: 1}).Check(); err != nil {
		t.Error(err)
	}
}
