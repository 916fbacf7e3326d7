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
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// twin is one call, as a command line and as a call of the library.
type twin struct {
	words  []string
	config func(*rekey.Config)
	codes  string // of what is wrong; "" is nothing
}

func kit(c *rekey.Config) { *c = rekey.Config{Profile: phoenixkit.Profile(), Version: 40} }

func twins() []twin {
	long := strings.Repeat("x", 64)
	app := func(flag, value string, codes string, config func(*rekey.Config)) twin {
		return twin{[]string{"--schema", "app", "--" + flag, value}, config, codes}
	}
	profile := func(flag, value string, codes string, config func(*rekey.Config)) twin {
		return twin{[]string{"--profile", "phoenixkit", "--" + flag, value}, func(c *rekey.Config) { kit(c); config(c) }, codes}
	}
	all := []twin{
		{[]string{"--schema", "app"}, func(*rekey.Config) {}, ""},
		{[]string{"--profile", "phoenixkit"}, kit, ""},
		{nil, func(c *rekey.Config) { *c = rekey.Config{} }, "no_profile"},
		{[]string{"--schema", "app", "--profile", "phoenixkit"}, func(c *rekey.Config) { kit(c); c.Schema = "app" }, "schema_and_profile"},
		{[]string{"--schema", "app", "--prefix", "app"}, func(c *rekey.Config) { c.Prefix = "app" }, "schema_and_profile"},
		{[]string{"--schema", "app", "--version", "40"}, func(c *rekey.Config) { c.Version = 40 }, "version_without_profile"},
		{[]string{"--schema", long}, func(c *rekey.Config) { c.Schema = long }, "bad_schema"},
		{[]string{"--schema", "a\x00"}, func(c *rekey.Config) { c.Schema = "a\x00" }, "bad_schema"},
		{[]string{"--schema", "postgres://a:hunter2@b/c"}, func(c *rekey.Config) { c.Schema = "postgres://a:hunter2@b/c" }, "bad_schema"},
		profile("prefix", long, "bad_prefix", func(c *rekey.Config) { c.Prefix = long }),
		profile("prefix", "auth", "", func(c *rekey.Config) { c.Prefix = "auth" }),
		profile("version", "39", "bad_version", func(c *rekey.Config) { c.Version = 39 }),
		profile("version", "0", "bad_version", func(c *rekey.Config) { c.Version = 0 }),
		profile("tables", "a", "words_without_schema", func(c *rekey.Config) { c.Tables = []string{"a"} }),
		profile("exclude", "a", "words_without_schema", func(c *rekey.Config) { c.Exclude = []string{"a"} }),
		profile("column", "a", "words_without_schema", func(c *rekey.Config) { c.Column = "a" }),
		profile("index-name", "{table}", "words_without_schema", func(c *rekey.Config) { c.IndexName = "{table}" }),
		{[]string{"--profile", "phoenixkit", "--skip-refused"}, func(c *rekey.Config) { kit(c); c.SkipRefused = true }, "words_without_schema"},
		app("tables", `a\`, "bad_pattern", func(c *rekey.Config) { c.Tables = []string{`a\`} }),
		app("tables", "a,b,a", "table_twice", func(c *rekey.Config) { c.Tables = []string{"a", "b", "a"} }),
		app("exclude", `a\`, "bad_pattern", func(c *rekey.Config) { c.Exclude = []string{`a\`} }),
		app("exclude", "a*,a?", "", func(c *rekey.Config) { c.Exclude = []string{"a*", "a?"} }),
		app("column", long, "bad_column", func(c *rekey.Config) { c.Column = long }),
		app("column", "password=hunter2", "bad_column", func(c *rekey.Config) { c.Column = "password=hunter2" }),
		app("index-name", "x", "bad_index_name", func(c *rekey.Config) { c.IndexName = "x" }),
		app("index-name", "{table}{", "bad_index_name", func(c *rekey.Config) { c.IndexName = "{table}{" }),
		app("index-name", "{table}"+long, "bad_index_name", func(c *rekey.Config) { c.IndexName = "{table}" + long }),
		app("pace", "fast", "bad_pace", func(c *rekey.Config) { c.Pace = "fast" }),
		app("pace", "full", "", func(c *rekey.Config) { c.Pace = "full" }),
		app("throttle-query", "COPY (SELECT 1) TO PROGRAM 'id'", "bad_throttle_query", func(c *rekey.Config) { c.ThrottleQuery = "COPY (SELECT 1) TO PROGRAM 'id'" }),
		app("throttle-query", "SELECT 1; SELECT 2", "bad_throttle_query", func(c *rekey.Config) { c.ThrottleQuery = "SELECT 1; SELECT 2" }),
		app("throttle-query", "SELECT app.busy()", "", func(c *rekey.Config) { c.ThrottleQuery = "SELECT app.busy()" }),
		app("throttle-file", "postgres://a:hunter2@b/c", "bad_throttle_file", func(c *rekey.Config) { c.ThrottleFile = "postgres://a:hunter2@b/c" }),
		app("without-signal", "lga", "unknown_signal", func(c *rekey.Config) { c.WithoutSignals = []string{"lga"} }),
		app("without-signal", "lag,wal", "", func(c *rekey.Config) { c.WithoutSignals = []string{"lag", "wal"} }),
		app("trust-owner", "postgres://a:hunter2@b/c", "bad_trust_owner", func(c *rekey.Config) { c.TrustOwners = []string{"postgres://a:hunter2@b/c"} }),
		app("trust-owner", long, "bad_trust_owner", func(c *rekey.Config) { c.TrustOwners = []string{long} }),
		app("trust-owner", "app_owner", "", func(c *rekey.Config) { c.TrustOwners = []string{"app_owner"} }),
		app("time-source", "yesterday", "bad_time_source", func(c *rekey.Config) { c.Values.Source = "yesterday" }),
		app("time-source", "a=yesterday", "bad_time_source", func(c *rekey.Config) { c.Values.Sources = map[string]rekey.Source{"a": "yesterday"} }),
		app("time-source", "=now", "bad_time_source", func(c *rekey.Config) { c.Values.Sources = map[string]rekey.Source{"": "now"} }),
		app("time-column", "a="+long, "bad_time_column", func(c *rekey.Config) { c.Values.Columns = map[string]string{"a": long} }),
		profile("time-column", "a=b", "unknown_table", func(c *rekey.Config) { c.Values.Columns = map[string]string{"a": "b"} }),
		profile("random", "a", "unknown_table", func(c *rekey.Config) { c.Values.Random = []string{"a"} }),
		{
			[]string{"--schema", "app", "--random", "a", "--time-column", "a=b"},
			func(c *rekey.Config) {
				c.Values = rekey.Values{Random: []string{"a"}, Columns: map[string]string{"a": "b"}}
			}, "contradiction",
		},
		app("time-zone", "postgres://a:hunter2@b/c", "bad_time_zone", func(c *rekey.Config) { c.Values.Zone = "postgres://a:hunter2@b/c" }),
		app("max-retained-wal", "5GB", "", func(c *rekey.Config) { c.MaxRetainedWAL = 5 << 30 }),
		{
			[]string{"--schema", long, "--max-lock", "1h", "--pace", "x"},
			func(c *rekey.Config) { c.Schema, c.MaxLock, c.Pace = long, time.Hour, "x" }, "bad_schema bad_pace bad_max_lock",
		},
	}
	durations := map[string]func(*rekey.Config, time.Duration){
		"max-lock": func(c *rekey.Config, d time.Duration) { c.MaxLock = d }, "lock-patience": func(c *rekey.Config, d time.Duration) { c.LockPatience = d },
		"batch-time": func(c *rekey.Config, d time.Duration) { c.BatchTime = d }, "max-lag": func(c *rekey.Config, d time.Duration) { c.MaxLag = d },
		"max-snapshot-age": func(c *rekey.Config, d time.Duration) { c.MaxSnapshotAge = d },
	}
	for flag, set := range durations {
		code := "bad_" + strings.ReplaceAll(strings.TrimPrefix(flag, "max-snap"), "-", "_")
		if flag == "max-snapshot-age" {
			code = "bad_snapshot_age"
		}
		most := time.Duration(setting.Max(flag))
		for _, d := range []time.Duration{-time.Second, -1, most + 1, math.MaxInt64} {
			all = append(all, app(flag, d.String(), code, func(c *rekey.Config) { set(c, d) }))
		}
		for _, d := range []time.Duration{time.Millisecond, most} {
			all = append(all, app(flag, d.String(), "", func(c *rekey.Config) { set(c, d) }))
		}
	}
	return all
}

// TestSameAnswers: what the command line refuses the library refuses too, with the same code and sentence, each
// with its own names for the settings, and before any connection is made.
func TestSameAnswers(t *testing.T) {
	for _, twin := range twins() {
		reached := false
		l := upWith(func(context.Context, *pgxpool.Pool, rekey.Config) (rekey.Result, error) {
			reached = true
			return rekey.Result{}, nil
		})
		connected := false
		l.connect = func(context.Context, connection) (*pgxpool.Pool, error) { connected = true; return nil, nil } //nolint:nilnil // a fake
		got := try(t, l, nil, append([]string{"up", "--json"}, twin.words...)...)
		var result struct{ Problems rekey.Problems }
		if !reached {
			got.last(t, &result)
		}
		config := rekey.Config{Schema: "app"}
		twin.config(&config)
		_, err := rekey.Up(t.Context(), nil, config)
		var list rekey.Problems
		if !errors.As(err, &list) || !errors.Is(err, rekey.ErrUsage) {
			t.Fatalf("%q: %v", twin.words, err)
		}
		if twin.codes == "" {
			if got.code != 0 || !reached || len(list) != 1 || list[0].Code != "no_pool" {
				t.Errorf("%q: %+v; %v", twin.words, got, err)
			}
			continue
		}
		if flags, fields := said(result.Problems), said(list); got.code != 2 || connected || flags != fields || codes(list) != twin.codes {
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

func codes(list rekey.Problems) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Code)
	}
	return strings.Join(all, " ")
}

// said are the sentences without the names of the settings.
func said(list rekey.Problems) string {
	name := regexp.MustCompile(`--[a-z-]+|\b(Values\.)?(MaxLock|LockPatience|BatchTime|MaxLag|MaxSnapshotAge|MaxRetainedWAL|Profile|Prefix|Version|Schema|Tables|Exclude|` +
		`Column|IndexName|SkipRefused|Pace|ThrottleQuery|ThrottleFile|WithoutSignals|TrustOwners|Sources|Columns|Zone|Random)\b|\brekey up\b|\bUp\b`)
	lines := ""
	for _, p := range list {
		lines += strings.ReplaceAll(name.ReplaceAllString(p.Code+" "+p.Message+" "+p.Detail, "X"), "X:", "X") + "\n"
	}
	return lines
}

// TestEverySettingIsCompared: a new flag, or a new field, is one of TestSameAnswers or says here why not.
func TestEverySettingIsCompared(t *testing.T) {
	var compared []string
	changed := map[string]bool{}
	for _, twin := range twins() {
		compared = append(compared, twin.words...)
		for _, before := range []rekey.Config{{Schema: "app"}, {}} {
			after := before
			twin.config(&after)
			for i := range reflect.TypeFor[rekey.Config]().NumField() {
				if !reflect.DeepEqual(reflect.ValueOf(before).Field(i).Interface(), reflect.ValueOf(after).Field(i).Interface()) {
					changed[reflect.TypeFor[rekey.Config]().Field(i).Name] = true
				}
			}
		}
	}
	a := &app{Process: Process{Getenv: func(string) string { return "" }}}
	others := []string{ // that have no value which could be wrong, or are about many schemas, files and connections
		"database-url", "direct-url", "standby-url", "json", "quiet", "no-color", "config", "subscribers-ready", "fire-triggers",
		"parallel", "canary", "on-error", "max-failures", "help",
	}
	a.upCommand().Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(compared, "--"+f.Name) && !slices.Contains(others, f.Name) {
			t.Errorf("--%s is not compared", f.Name)
		}
	})
	for _, cmd := range a.root().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			unchecked := []string{"database-url", "direct-url", "standby-url", "json", "quiet", "no-color", "subscribers-ready", "fire-triggers", "exit-code", "help"}
			if !setting.IsNumber(f.Name) && !setting.IsText(f.Name) && !slices.Contains(unchecked, f.Name) {
				t.Errorf("%s --%s is in no table", cmd.Name(), f.Name)
			}
		})
	}
	for field := range reflect.TypeFor[rekey.Config]().Fields() {
		name := field.Name
		if !changed[name] && !slices.Contains([]string{"Own", "Back", "SubscribersReady", "FireTriggers", "Direct", "Standbys", "Stop", "OnEvent"}, name) {
			t.Errorf("%s is not compared", name)
		}
	}
}

// TestFleetNumbers: the numbers of a command on many schemas have the limits of a Fleet.
func TestFleetNumbers(t *testing.T) {
	for words, fleet := range map[string]rekey.Fleet{
		"--parallel 33": {Parallel: 33}, "--parallel -1": {Parallel: -1}, "--canary -1": {Canary: -1}, "--max-failures -1 --on-error continue": {MaxFailures: -1},
	} {
		got := try(t, library{}, nil, append([]string{"up", "--schema", "tenant_*"}, strings.Fields(words)...)...)
		err := fleet.Check()
		if got.code != 2 || !errors.Is(err, rekey.ErrUsage) {
			t.Errorf("%s: %+v; %v", words, got, err)
		}
	}
	if err := (rekey.Fleet{Parallel: 32, Canary: 1, MaxFailures: 1}).Check(); err != nil {
		t.Error(err)
	}
}
