package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey/internal/visible"
)

// A URL whose password contains a character that ends the user's part is refused, and the hint names the escape.
func TestRefusesAmbiguousURLs(t *testing.T) {
	for url, remedy := range map[string]string{
		"postgres://u:a@hunter2@host/db":             "%40",
		"postgres://u:a@hunter2@host:5432/db?x=y":    "%40",
		"postgres://u@corp:hunter2@host/db":          "%40",
		"postgres://u:hunt/er2@host/db":              "%2F",
		"postgres://u:hunt?er2@host/db":              "%3F",
		"postgres://u:hunt#er2@host/db":              "%23",
		"postgres://u:hunt%er2@host/db":              "%25",
		"postgres://u:hunt%zzer2@host/db":            "%25",
		"postgres://u:hunter2%@host/db":              "%25",
		"postgres://u:hunt er2@host/db":              "%20",
		`postgres://u:hunt\er2@host/db`:              "%5C",
		`postgres://u:hunt"er2@host/db`:              "%22",
		"postgres://u:hunter2@x!y@host/db":           "%40",
		"postgres://u:x@hunter2!@host":               "%40",
		"postgres://u:x@hunter2!/db":                 "%xx",
		"postgres://u:x@host/db?application_name=@x": "%40",
		"postgres://u:hunter2\t@host/db":             "control",
		"postgres://u:hunter2\xff@host/db":           "UTF-8",
		"ecto://u:a@hunter2@host/db":                 "%40",
		"host=h dbname=postgres://u:hunter2@h/d":     "database",
		"host=postgres://u:hunter2@h/d":              "host",
		"host=h user='u password=hunter2'":           "user",
		"host=h dbname='d password=hunter2'":         "database",
	} {
		for _, words := range [][]string{
			phoenix("plan", "--database-url", url), phoenix("up", "--json", "--database-url="+url),
			{"status", "--schema", "app", "--database-url", url},
			phoenix("up", "--standby-url", url), phoenix("up", "--direct-url", url), phoenix("up", "--node-url", "10.0.0.1:5432="+url),
		} {
			l := live()
			if strings.HasSuffix(words[len(words)-2], "-url") && words[len(words)-2] != "--database-url" {
				l.connect = onlyDirect
			}
			got := try(t, l, nil, words...)
			said := strings.Join(strings.Fields(got.stdout+got.stderr), " ")
			if got.code != 2 || !strings.Contains(said, remedy) || strings.Contains(said, "hunt") || strings.Contains(said, "er2") {
				t.Errorf("%q: %d %s", words, got.code, said)
			}
		}
	}
	for _, url := range []string{
		"postgres://u:p%40%2F%3F%23%25@host:5432/db?sslmode=disable", "postgres://host", "postgresql:///db?host=/run/x", "postgres://u@[::1]:5432/db", "postgres://a:1,b:2/db",
		"postgres://%2Fvar%2Frun/db", "postgres://ü:ä@höst/db", "host=/run/x dbname=a", "", "postgres://u:p!$&'()*+,;=:w@host/db", "postgres://under_score/db",
	} {
		if _, err := (connection{url: url, source: "x"}).parse(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// secrets returns texts that contain a password.
func secrets() []string {
	return []string{
		"postgres://app:hunter2@127.0.0.1:1/app", "app:hunter2@127.0.0.1", "host=h password=hunter2", "password=hunter2", "postgres%3A%2F%2Fa%3Ahunter2%40h",
		"postgres://app:hunter2@h/\x1b[2J\u202e", "postgres://app:hunter2@tenant_*/a",
	}
}

// A secret as the value of every flag, as an argument of every command, and as the name of a flag.
func TestNoFlagRepeatsASecret(t *testing.T) {
	l := live()
	l.connect = func(context.Context, connection) (*pgxpool.Pool, error) { return nil, os.ErrDeadlineExceeded }
	a := &app{Process: Process{Getenv: func(string) string { return "" }}}
	for i, secret := range secrets() {
		calls := [][]string{{secret}, {"help", secret}, {"--" + secret}, {"-" + secret}, {"__complete", "up", "--schema", secret}, {"profile", "show", secret}, {"completion", secret}}
		for _, cmd := range a.root().Commands() {
			calls = append(calls, []string{cmd.Name(), secret}, []string{cmd.Name(), "--" + secret}, []string{cmd.Name(), "--hunter2=" + secret}, []string{cmd.Name(), "--Hunter2-x"})
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				word := []string{cmd.Name()}
				if cmd.Name() == "sql" {
					word = append(word, "up")
				}
				for _, scope := range [][]string{{"--schema", "app"}, {"--profile", "phoenixkit"}, nil}[min(2*i, 2):] {
					calls = append(calls, slices.Concat(word, scope, []string{"--" + f.Name + "=" + secret}))
				}
			})
		}
		for _, words := range calls {
			both := [][]string{slices.Concat(words, []string{"--json"}), words}
			for _, call := range both[min(i, 1):] { // one as JSON is enough
				got := try(t, l, nil, call...)
				if said := got.stdout + got.stderr; strings.Contains(strings.ToLower(said), "hunter2") || !visible.Safe(strings.NewReplacer("\n", "", "\t", "").Replace(said)) {
					t.Errorf("%q: %d %q", call, got.code, said)
				}
			}
		}
	}
}

// A secret as every key and value of a rekey.yaml, and in text that is not YAML.
func TestFileRepeatsNoSecret(t *testing.T) {
	l := live()
	l.connect = func(context.Context, connection) (*pgxpool.Pool, error) { return nil, os.ErrDeadlineExceeded }
	const secret = "postgres://app:hunter2@127.0.0.1:1/app"
	texts := []string{
		"database-url: " + secret, secret, "schema: *hunter2", "schema: &hunter2 [", "schema: \"hunter2", "schema: \"\\hunter2\"", "schema: !hunter2 a", "%hunter2\n---\na: b",
		"schema: app\n\thunter2: a", "hunter2: password: hunter2: x", "? hunter2\n: [a", "{schema: app, hunter2", "password=hunter2: x", "overrides:\n  " + secret + ": {column: a}",
		"overrides: {a: {column: \"" + secret + "\"}}\nschema: app", "overrides: {a: {\"" + secret + "\": x}}", "schema: \x00hunter2", "schema: \x1b[2Jhunter2\u202e: a", "- hunter2", "schema: [hunter2]\n",
		"schema: app\nschema: hunter2", "\"" + secret + "\": a\n\"" + secret + "\": b",
	}
	for _, word := range fileSettings() {
		if word != "overrides" {
			texts = append(texts, fmt.Sprintf("%s: %q\n", word, secret), fmt.Sprintf("%s: [%q]\n", word, secret), fmt.Sprintf("schema: app\n%s: {%q: x}\n", word, secret))
		}
	}
	for i, text := range texts {
		name := filepath.Join(t.TempDir(), "rekey.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := try(t, l, nil, "up", "--config", name)
		if said := got.stdout + got.stderr; got.code == 0 || strings.Contains(said, "hunter2") || !visible.Safe(strings.ReplaceAll(said, "\n", "")) {
			t.Errorf("%d %q: %d %q", i, text, got.code, said)
		}
	}
}

// A device, a pipe or a very large file is not read.
func TestRefusesEndlessFiles(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, maxFileSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	service := filepath.Join(dir, "service")
	if err := os.WriteFile(service, []byte("[other]\nhost=x\n[app]\nhost=127.0.0.1\nsslrootcert="+large+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := live()
	for _, file := range []string{"/dev/zero", large, dir, pipe(t), filepath.Join(dir, "none")} {
		got := try(t, l, nil, "up", "--config", file)
		if got.code != 2 || !strings.Contains(got.stderr, "could not read") {
			t.Errorf("--config %s: %+v", file, got)
		}
	}
	for _, file := range []string{"/dev/zero", large, pipe(t)} {
		for _, setting := range []string{"passfile", "sslrootcert", "sslcert", "sslkey", "service=app servicefile"} {
			got := try(t, l, nil, "status", "--schema", "app", "--database-url", "host=127.0.0.1 port=1 "+setting+"="+file)
			if got.code != 2 || !strings.Contains(got.stderr, "could not read") {
				t.Errorf("%s=%s: %+v", setting, file, got)
			}
		}
		got := try(t, l, nil, "status", "--schema", "app", "--database-url", "postgres://127.0.0.1:1/app?sslrootcert="+file)
		if got.code != 2 || !strings.Contains(got.stderr, "could not read") {
			t.Errorf("URL with %s: %+v", file, got)
		}
	}
	t.Run("environment", func(t *testing.T) {
		t.Setenv("PGPASSFILE", "/dev/zero")
		if got := try(t, l, nil, "status", "--schema", "app", "--database-url", "postgres://127.0.0.1:1/app"); got.code != 2 || !strings.Contains(got.stderr, "passfile") {
			t.Errorf("%+v", got)
		}
		t.Setenv("PGPASSFILE", os.DevNull)
		if got := try(t, l, nil, "status", "--schema", "app", "--database-url", "postgres://127.0.0.1:1/app"); got.code != 1 {
			t.Errorf("%+v", got)
		}
		t.Setenv("PGSERVICEFILE", service)
		if got := try(t, l, nil, "status", "--schema", "app", "--database-url", "service=app"); got.code != 2 || !strings.Contains(got.stderr, "sslrootcert") {
			t.Errorf("%+v", got)
		}
	})
	if _, err := readBounded(service); err != nil {
		t.Error(err)
	}
}
