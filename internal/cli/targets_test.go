package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// targetsYAML writes a file of targets that only its owner may read.
func targetsYAML(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "targets.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A wrong file is refused with the line or the name, before any server is contacted, and without a secret.
func TestTargetsFileIsCheckedFirst(t *testing.T) {
	l := live()
	l.connect = func(context.Context, connection) (*pgxpool.Pool, error) {
		t.Error("it connects")
		return nil, os.ErrDeadlineExceeded
	}
	const url = "postgres://app:hunter2@127.0.0.1:1/"
	for _, test := range []struct{ text, want string }{
		{"", "has no targets"},
		{"targets: []", "has no targets"},
		{"targets: {a: hunter2}", "line 1: targets must be a list"},
		{"- name: a", "line 1: expected settings"},
		{"target: []", "line 1: unknown setting"},
		{"targets:\n  - " + url + "a", "line 2: expected settings"},
		{"targets:\n  - name: \"hunter2", "line 2: invalid YAML"},
		{"targets:\n  - database-url: " + url + "a", "line 2: a target has no name"},
		{"targets:\n  - name: a", "line 2: target a has no connection string"},
		{"targets:\n  - name: a\n    url: " + url + "a", "line 3: unknown setting"},
		{"targets:\n  - name: a\n    " + url + ": a", "line 3: unknown setting"},
		{"targets:\n  - name: a\n    database-url: [" + url + "a]", "line 3: database-url must be a text"},
		{"targets:\n  - name: a\n    database-url:", "line 3: database-url must be a text"},
		{"targets:\n  - name: a\n    name: b", "line 3: duplicate setting"},
		{"targets:\n  - {name: a, database-url: " + url + "a}\n  - {name: a, database-url: " + url + "b}", "line 3: duplicate target \"a\", first in line 2"},
		{"targets:\n  - {name: \"" + url + "\", database-url: " + url + "a}", "line 2: the name of the target"},
		{"targets:\n  - {name: \"a\\e[2Jhunter2\", database-url: " + url + "a}", "line 2: the name of the target"},
		{"targets:\n  - {name: a, group: \"eu,hunter2\", database-url: " + url + "a}", "line 2: the name of the group"},
		{"targets:\n  - {name: a, database-url: " + url + "a}\n  - {name: b, database-url: " + url + "a}", "line 3: target b is the same database and schema as a in line 2"},
		{"targets:\n  - {name: a, database-url: postgres://H/a}\n  - {name: b, database-url: host=h port=5432 dbname=a password=hunter2}", "line 3: target b is the same"},
		{"targets:\n  - {name: a, database-url: " + url + "a, schema: 'x*'}", "line 2: the schema of a target cannot be a pattern"},
		{"targets:\n  - {name: a, database-url: " + url + "a, prefix: x}", "line 2: unknown setting \"prefix\""},
		{"targets:\n  - {name: a, database-url: postgres://app:hunter2@x@h/a}", "line 2, target a"},
		{"targets:\n  - {name: a, database-url: mysql://app:hunter2@h/a}", "line 2, target a"},
		{"targets:\n  - {name: a, database-url: host=h passwort=hunter2}", "line 2, target a"},
		{"targets:\n  - {name: a, database-url: " + url + "a, direct-url: postgres://app:hunter2#@h/a}", "line 2, target a"},
		{"targets:\n  - {name: a, database-url-env: REKEY_TEST_UNSET}", "line 2: environment variable REKEY_TEST_UNSET of target a is not set"},
		{"targets:\n  - {name: a, database-url-env: " + url + "a}", "line 2: database-url-env is not the name of an environment variable"},
		{"targets:\n  - {name: a, database-url: " + url + "a, database-url-env: A}", "line 2: database-url and database-url-env cannot be combined"},
	} {
		for _, words := range [][]string{{"up"}, {"status", "--json"}} {
			got := try(t, l, nil, append(words, "--schema", "app", "--targets", targetsYAML(t, test.text))...)
			said := strings.Join(strings.Fields(strings.ReplaceAll(got.stdout, `\"`, `"`)+got.stderr), " ")
			if got.code != 2 || !strings.Contains(said, test.want) || strings.Contains(said, "hunter2") || !visible.Safe(said) {
				t.Errorf("%q: %d %s", test.text, got.code, said)
			}
		}
	}
	if got := try(t, l, nil, "up", "--schema", "app", "--targets", "/dev/zero"); got.code != 2 || !strings.Contains(got.stderr, "could not read") {
		t.Errorf("%+v", got)
	}
	good := targetsYAML(t, "targets: [{name: a, group: eu, database-url: "+url+"a}]")
	for _, test := range []struct {
		words, want string
	}{
		{"--schema app_* --targets " + good, "pattern"},
		{"--schema app --database-url postgres://h/a --targets " + good, "cannot be combined with --database-url"},
		{"--schema app --standby-url postgres://h/a --targets " + good, "cannot be combined with --standby-url"},
		{"--schema app --node-url 10.0.0.1:5432=postgres://h/a --targets " + good, "cannot be combined with --node-url"},
		{"--schema app --group uk --targets " + good, "The groups are eu."},
		{"--schema app --group eu", "--group requires --targets"},
		{"--schema app_* --group eu", "--group requires --targets"},
		{"--schema app --serve 127.0.0.1:0 --targets " + good, "--serve requires"},
		{"--targets " + good, "one of --profile and --schema is required"},
	} {
		got := try(t, l, nil, append([]string{"up"}, strings.Fields(test.words)...)...)
		if said := strings.Join(strings.Fields(got.stderr), " "); got.code != 2 || !strings.Contains(said, test.want) {
			t.Errorf("%s: %d %s", test.words, got.code, said)
		}
	}
}

// A file with a password that others may read is refused, as libpq refuses such a password file. Without one it may be public.
func TestTargetsFileIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode there")
	}
	l := planOf(rekey.Plan{})
	l.status = func(context.Context, *pgxpool.Pool, job) (rekey.Status, error) { return rekey.Status{}, nil }
	for url, code := range map[string]int{
		"postgres://app:hunter2@h/a": 2, "postgres://h/a?password=hunter2": 2, "host=h dbname=a password = 'hunter2'": 2, "ecto://app:hunter2@h/a": 2,
		"postgres://app@h/a": 0, "host=h dbname=a": 0,
	} {
		name := targetsYAML(t, fmt.Sprintf("targets: [{name: a, database-url: %q}]", url))
		for mode, want := range map[os.FileMode]int{0o600: 0, 0o640: code, 0o604: code} {
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
			got := try(t, l, nil, "status", "--schema", "app", "--targets", name)
			if got.code != want || strings.Contains(got.stdout+got.stderr, "hunter2") || want == 2 && !strings.Contains(got.stderr, "chmod 600") {
				t.Errorf("%s with %v: %+v", url, mode, got)
			}
		}
	}
}

// Targets run in the order of the file, each group together, with their own connection, schema and pool.
func TestTargetsRun(t *testing.T) {
	t.Setenv("PGHOST", "")
	file := targetsYAML(t, `targets:
  - {name: one, group: eu, database-url: postgres://app:hunter2@h1/d}
  - {name: plain, database-url-env: PLAIN_URL}
  - {name: three, group: us, database-url: postgres://h3/d, schema: other}
  - {name: two, group: eu, database-url: "host=h2 dbname=d", direct-url: "host=h2 port=6432 dbname=d"}
`)
	var seen []string
	pools := map[*pgxpool.Pool]string{}
	l := upWith(func(_ context.Context, pool *pgxpool.Pool, j job) (event.Result, error) {
		direct := pools[j.options.Direct]
		seen = append(seen, pools[pool]+" "+j.schema.Name+" "+direct)
		if strings.Contains(pools[pool], "h2") {
			return event.Result{}, errors.New("cut")
		}
		return event.Result{Tables: 2, Rows: 5}, nil
	})
	l.connect = func(_ context.Context, c connection) (*pgxpool.Pool, error) {
		config, err := c.parse()
		if err != nil {
			return nil, err
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		pools[pool] = fmt.Sprintf("%s:%d", config.ConnConfig.Host, config.ConnConfig.Port)
		return pool, err
	}
	up := func(words ...string) (outcome, []string) {
		seen = nil
		var stdout, stderr strings.Builder
		code := run(t.Context(), Process{
			Args: append([]string{"up", "--schema", "app", "--targets", file}, words...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
			Getenv: func(name string) string { return map[string]string{"PLAIN_URL": "postgres://app:hunter2@h4/d"}[name] },
		}, l)
		got := outcome{code, stdout.String(), stderr.String()}
		if strings.Contains(got.stdout+got.stderr, "hunter2") {
			t.Errorf("a password in %+v", got)
		}
		return got, seen
	}
	report := filepath.Join(t.TempDir(), "run.md")
	l.verify = func(context.Context, *pgxpool.Pool, job) (rekey.Report, error) {
		return rekey.Report{FormatVersion: 2, Tables: []rekey.TableReport{{Rows: 5}}}, nil
	}
	got, order := up("--on-error", "continue", "--report", report)
	if want := []string{"h1:5432 app ", "h2:5432 app h2:6432", "h4:5432 app ", "h3:5432 other "}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	want := "[1/4] eu/one: 2 tables, 5 rows filled, 0 ms\n[2/4] eu/two: failed: rekey failed: The error was: cut.\n[3/4] plain: 2 tables, 5 rows filled, 0 ms\n[4/4] us/three: 2 tables, 5 rows filled, 0 ms\nup: 4 targets: 3 done, 1 failed; 15 rows filled; in 0 ms.\n"
	if said := normalized(got.stdout); got.code != 1 || said != normalized(want) {
		t.Errorf("%d %s", got.code, said)
	}
	text, err := os.ReadFile(report)
	for _, part := range []string{"1 of 4 targets failed", "| eu/two | h2:5432/d | app | failed |", "| us/three | h3:5432/d | other | done | 2 | 5 |", "no differences", "run the same command again"} {
		if !strings.Contains(string(text), part) || strings.Contains(string(text), "hunter2") {
			t.Errorf("%v: the report lacks %s\n%s", err, part, text)
		}
	}
	if _, order := up("--group", "us,eu", "--canary", "2", "--on-error", "continue"); len(order) != 2 {
		t.Errorf("a canary failed: %q", order)
	}
	got, _ = up("--json", "--on-error", "continue")
	for i, line := range strings.Split(strings.TrimSpace(got.stdout), "\n") {
		var said struct {
			Event, Target, Group, Schema string
			OK                           bool
			Targets, Failed, Exit        int
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatal(err)
		}
		switch {
		case i == 1 && (said.Event != "result" || said.Target != "two" || said.Group != "eu" || said.Schema != "app" || said.OK || said.Exit != 1):
			t.Errorf("%s", line)
		case i == 4 && (said.Event != "summary" || said.Targets != 4 || said.Failed != 1 || said.Exit != 1):
			t.Errorf("%s", line)
		}
	}
	if got, _ := up("--quiet"); got.stdout != "[2/4] eu/two: failed: rekey failed: The error was: cut.\n" {
		t.Errorf("%q", got.stdout)
	}
}

// The first signal ends the active target at a clean point and begins no other; it also ends an attempt to connect.
func TestSignalEndsTargets(t *testing.T) {
	file := targetsYAML(t, "targets: [{name: a, database-url: host=h1}, {name: b, database-url: host=h2}, {name: c, database-url: host=h3}]")
	for _, during := range []string{"run", "connect"} {
		signals := make(chan os.Signal, 1)
		l := upWith(func(_ context.Context, _ *pgxpool.Pool, j job) (event.Result, error) {
			signals <- os.Interrupt
			<-j.options.Stop
			return event.Result{}, message.Interrupted(nil)
		})
		if during == "connect" {
			l.connect = func(ctx context.Context, _ connection) (*pgxpool.Pool, error) {
				signals <- os.Interrupt
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		report := filepath.Join(t.TempDir(), "fleet.md")
		got := try(t, l, signals, "up", "--schema", "app", "--targets", file, "--report", report)
		text, err := os.ReadFile(report)
		begun := strings.Count(got.stdout, "/3] ")
		if begun != 1 || got.code != 130 || !strings.Contains(got.stdout, "2 not started") || err != nil || !strings.Contains(string(text), "not started") {
			t.Errorf("%s: %+v, %v %s", during, got, err, text)
		}
	}
}

// A server that accepts connections and does not answer delays its worker by one connect_timeout, with and without TLS together.
func TestSilentTargetTakesOneTimeout(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file := targetsYAML(t, fmt.Sprintf("targets: [{name: a, database-url: 'postgres://app:hunter2@%s/a?connect_timeout=1&sslmode=prefer'}]", listener.Addr()))
	begun := time.Now()
	got := try(t, live(), nil, "status", "--schema", "app", "--targets", file)
	if took := time.Since(begun); got.code != 1 || took > 1900*time.Millisecond || !strings.Contains(got.stdout, "[1/1] a: failed: ") || strings.Contains(got.stdout+got.stderr, "hunter2") {
		t.Errorf("%v: %+v", took, got)
	}
}

// A hint of a target repeats the command on all targets; commands that do not accept --targets name the schema of the target.
func TestTargetHints(t *testing.T) {
	file := targetsYAML(t, "targets: [{name: a, group: eu, database-url: host=h1, schema: other}]")
	for hint, want := range map[string]string{
		"Then: rekey verify.":         "Then: rekey verify --targets " + file + " --group eu --schema app.",
		"Stop it: rekey stop":         "Stop it: rekey stop --schema other",
		"Link: rekey up --to linked.": "Link: rekey up --targets " + file + " --group eu --schema app --to linked.",
	} {
		got := try(t, upWith(func(context.Context, *pgxpool.Pool, job) (event.Result, error) {
			return event.Result{}, &problem.Problem{Kind: problem.Refused, Code: "x", Message: "odd", Hint: hint}
		}), nil, "up", "--json", "--schema", "app", "--group", "eu", "--targets", file)
		var result struct{ Problems problem.List }
		if err := json.Unmarshal([]byte(strings.SplitN(got.stdout, "\n", 2)[0]), &result); err != nil || len(result.Problems) != 1 || result.Problems[0].Hint != want {
			t.Errorf("%q: %v %s", want, err, got.stdout)
		}
	}
}

// normalized replaces durations, which differ.
func normalized(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if i > 0 && (strings.HasPrefix(word, "ms") || word == "s") {
			words[i-1] = "0"
		}
	}
	return strings.Join(words, " ")
}
