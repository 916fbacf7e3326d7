package message_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

const (
	flags  = setting.Flags
	fields = setting.Fields
)

// settingSamples returns the problems of every setting that Check knows.
func settingSamples(t *testing.T, style setting.Style) (samples []sample) {
	t.Helper()
	const secret = "postgres://app:hunter2@db/shop"
	long := strings.Repeat("x", 64)
	text := func(flag string, values ...string) setting.Request {
		return setting.Request{NoScope: true, Texts: map[string][]string{"schema": {"app"}, flag: values}}
	}
	number := func(flag string, n int64) setting.Request {
		return setting.Request{NoScope: true, Numbers: map[string]int64{flag: n}}
	}
	withProfile := func(flag, value string) setting.Request {
		return setting.Request{Texts: map[string][]string{"profile": {"phoenixkit"}, flag: {value}}, Tables: [][]string{{"phoenix_kit_users"}}, Versions: []int{40}}
	}
	requests := []setting.Request{
		{},
		text("profile", "phoenixkit"), text("version", "40"), withProfile("version", "41"), withProfile("tables", "orders"),
		text("schema", ""), text("schema", long), text("schema", secret), text("prefix", ""), text("column", long), text("trust-owner", ""), text("trust-owner", secret),
		text("index-name", "orders_idx"), text("index-name", "{table}{schema}"), text("index-name", "{table}"+long), text("index-name", secret),
		text("throttle-file", secret), text("time-zone", secret), text("config", secret), text("output", secret),
		text("tables", ""), text("tables", `a\`), text("tables", "orders", "orders"), text("exclude", secret),
		text("pace", "fast"), text("pace", "norml"), text("format", "flyway"), text("on-error", "retry"),
		text("without-signal", "lags"), text("without-signal", "load"), text("throttle-query", "SELECT 1; SELECT 2"),
		text("time-source", "yesterday"), text("random", ""),
		{NoScope: true, Overrides: map[string]setting.Names{"": {Column: "id"}}},
		{NoScope: true, Overrides: map[string]setting.Names{"orders": {Column: long}}},
		{NoScope: true, Columns: map[string]string{"orders": ""}},
		{NoScope: true, Columns: map[string]string{"orders": "created_at"}, Sources: map[string]string{"orders": "now"}},
		{Texts: map[string][]string{"profile": {"phoenixkit"}, "random": {"phoenix_kit_user"}}, Tables: [][]string{{"phoenix_kit_users"}}},
		{Texts: map[string][]string{"profile": {"phoenixkit"}, "random": {"orders"}}, Tables: [][]string{{"phoenix_kit_users"}}},
		{NoScope: true, Numbers: map[string]int64{"max-failures": 2}, Texts: map[string][]string{"on-error": {"stop"}}},
		number("lock-timeout", int64(2*time.Second)), number("soak", -int64(time.Second)), number("lock-retry-timeout", 0), number("batch-time", int64(time.Minute)), number("max-lag", -int64(time.Second)), number("max-snapshot-age", -int64(time.Second)),
		number("max-retained-wal", 0), number("disk-free", -1), number("parallel", 33), number("max-impact", 1000), number("canary", -1), number("max-failures", -1), number("first", 0), number("max-per-node", 5),
		{NoScope: true, Nodes: []string{secret}},
		{NoScope: true, Nodes: []string{"10.0.0.1:5432", "10.0.0.1:5432"}},
	}
	requests = append(requests, phaseRequests(long)...)
	for i, r := range requests {
		r.Style, r.Command = style, "rekey up"
		if style == fields {
			r.Command = "Up"
		}
		found := setting.Check(r)
		if len(found) == 0 {
			t.Errorf("request %d has no problem: %+v", i, r)
		}
		for _, p := range found {
			samples = append(samples, sample{"setting.Check", p})
		}
	}
	return distinct(samples)
}

// phaseRequests returns requests whose phase, parents or references are wrong.
func phaseRequests(long string) []setting.Request {
	to := func(direction, phase string) setting.Request {
		return setting.Request{NoScope: true, Direction: direction, Texts: map[string][]string{"schema": {"app"}, "to": {phase}}}
	}
	refer := func(list ...setting.Reference) setting.Request {
		return setting.Request{NoScope: true, Texts: map[string][]string{"schema": {"app"}}, References: list}
	}
	users := setting.Reference{Table: "orders", Column: "user_id", Parent: "users"}
	return []setting.Request{
		to("up", "integer"), to("up", "uuids"), to("up", "integers"), to("down", "switched"), to("down", "contracted"),
		{Direction: "up", Texts: map[string][]string{"profile": {"acme"}, "to": {"linked"}}, Tables: [][]string{{"users"}}},
		{Direction: "up", Texts: map[string][]string{"profile": {"phoenixkit"}, "to": {"linked"}, "version": {"39"}}, Tables: [][]string{{"users"}}, LinkAt: 40, Versions: []int{40}},
		{Direction: "up", Texts: map[string][]string{"profile": {"phoenixkit"}, "to": {"switched"}}, Tables: [][]string{{"users"}}, LinkAt: 40},
		{NoScope: true, Texts: map[string][]string{"schema": {"app"}, "accept": {"group"}}},
		{NoScope: true, Texts: map[string][]string{"schema": {"app"}, "confirm": {long}}},
		{NoScope: true, Texts: map[string][]string{"schema": {"app"}, "arbiter": {"integers"}}},
		{NoScope: true, Texts: map[string][]string{"schema": {"app"}, "parents": {""}}},
		{NoScope: true, Texts: map[string][]string{"schema": {"app"}, "parents": {long}}},
		refer(setting.Reference{Table: "orders", Column: "user_id"}), refer(users, users), refer(setting.Reference{Table: "orders", Column: long, Parent: "users"}),
		refer(setting.Reference{Table: "orders", Column: "user_id", Parent: "postgres://app:hunter2@db/shop"}),
	}
}

func profileSamples(t *testing.T) (samples []sample) {
	t.Helper()
	users := profile.Table{Name: "users"}
	for _, p := range []profile.Profile{
		{},
		{Name: "acme", VersionTable: "acme", Column: "uuid", From: -1, To: 2, VerifyFrom: 4, Last: 3, Tables: []profile.Table{users, users, {}}},
		{Name: "acme", VersionTable: "acme", Column: "uuid", From: 1, To: 2, VerifyFrom: 4, Last: 5, LinkAt: 4, Tables: []profile.Table{users}},
		{Name: "acme", VersionTable: "acme", Column: "postgres://app:hunter2@db/shop", From: 2, To: 2, Tables: []profile.Table{users}},
		{
			Name: "acme", VersionTable: "acme", Column: "uuid", From: 1, To: 2, VerifyFrom: 4, Last: 5, Tables: []profile.Table{users},
			References: []profile.Reference{{Parent: "orders"}}, Function: profile.Function{Digest: "x"},
		},
		{Name: "acme", VersionTable: strings.Repeat("x", 64), Column: "uuid", From: 1, To: 2, Tables: []profile.Table{{Name: "old", Renamed: &profile.Rename{Version: 1, Name: "new"}}}},
	} {
		for _, found := range setting.CheckProfile(p) {
			samples = append(samples, sample{"setting.CheckProfile", found})
		}
	}
	_, err := phoenixkit.Up(t.Context(), nil, phoenixkit.Options{Prefix: "public", Version: 39})
	for _, p := range problem.All(err) {
		samples = append(samples, sample{"phoenixkit.Up", p})
	}
	return distinct(samples)
}

// commandSamples returns the problems of wrong command lines. None of them connects.
func commandSamples(t *testing.T) (samples []sample) {
	t.Helper()
	t.Run("command line", func(t *testing.T) {
		t.Chdir(t.TempDir())
		samples = inDirectory(t)
	})
	return samples
}

func inDirectory(t *testing.T) (samples []sample) {
	t.Helper()
	for name, text := range map[string]string{
		"typo.yaml": "schema: app\ntabels: [a]\n", "twice.yaml": "schema: app\nschema: app\n", "broken.yaml": "schema: [app\n", "list.yaml": "- app\n",
		"overrides.yaml": "schema: app\noverrides: orders\n", "value.yaml": "schema: {app: 1}\n",
		"t-list.yaml": "targets: a\n", "t-key.yaml": "targets:\n  - name: a\n    url: x\n", "t-name.yaml": "targets: [{database-url: host=h}]\n", "t-null.yaml": "targets: [{name: }]\n",
		"t-twice.yaml": "targets:\n  - {name: a, database-url: host=h dbname=a}\n  - {name: a, database-url: host=h dbname=b}\n", "t-url.yaml": "targets: [{name: a}]\n",
		"t-long.yaml": "targets: [{name: 'postgres://app@h/a', database-url: host=h}]\n", "t-group.yaml": "targets: [{name: a, group: 'eu,us', database-url: host=h}]\n",
		"t-env.yaml": "targets: [{name: a, database-url-env: A_URL}]\n", "t-word.yaml": "targets: [{name: a, database-url-env: host=h}]\n",
		"t-both.yaml": "targets: [{name: a, database-url: host=h, database-url-env: A_URL}]\n", "t-bad.yaml": "targets: [{name: a, database-url: host=h prot=1}]\n",
		"t-pattern.yaml": "targets: [{name: a, database-url: host=h, schema: 'x*'}]\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	for _, name := range []string{"none", "list", "key", "name", "null", "twice", "url", "long", "group", "env", "word", "both", "bad", "pattern"} {
		lines = append(lines, "up --schema app --targets t-"+name+".yaml")
	}
	for _, line := range append(lines, "up --schema app --group eu",
		"pln", "hunter2:x", "plan --schem app", "plan --x=hunter2@db", "plan -z", "verify app", "verify postgres://app@db/shop", "plan --schema", "plan --lock-timeout=5", "up --max-lag=x",
		"plan ---", "plan --schema app --time-column orders", "plan --schema app --reference orders=users", "plan --schema app --format svg", "plan --schema app --format dot", "plan --schema app --to linked --format dot --sql", "down --schema app --to switched", "up --schema app --to integers", "plan --profile phenixkit", "plan --profile nothing", "up --config none.yaml", "up --config typo.yaml", "up --config twice.yaml",
		"up --config broken.yaml", "up --config list.yaml", "up --config overrides.yaml", "up --config value.yaml", "init --profile phoenixkit", "up --schema app --canary 2", "sql up --schema tenant_*", "sql", "sql up --schema app --module A",
		"profile", "profile show nothing", "demo", "explain --schema app", "rehearse --schema app --rows 2", "rehearse --schema app --to contracted", "rehearse --schema app --keep",
	) {
		for _, p := range runCommand(t, line) {
			samples = append(samples, sample{"rekey " + line, p})
		}
	}
	return samples
}

// runCommand returns the problems of a command line, as its JSON reports them.
func runCommand(t *testing.T, line string) problem.List {
	t.Helper()
	words := strings.Fields(line)
	words = slices.Insert(words, 1, "--json")
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), cli.Process{
		Args: words, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" },
	})
	var result struct{ Problems problem.List }
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil || len(result.Problems) == 0 {
		t.Fatalf("rekey %s: %v, exit %d: %s%s", line, err, code, stdout.String(), stderr.String())
	}
	return result.Problems
}

// distinct returns the samples without those whose texts are the same as an earlier one's.
func distinct(samples []sample) []sample {
	seen := map[string]bool{}
	return slices.DeleteFunc(samples, func(s sample) bool {
		text := s.problem.Code + s.problem.Error() + s.problem.Hint
		old := seen[text]
		seen[text] = true
		return old
	})
}
