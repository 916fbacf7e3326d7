package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// targetLine is one line of the JSON of a command with --targets.
type targetLine struct {
	shown
	Target, Group string
	Targets       int
	Kinds         []struct{ Schemas int }
	Problems      []struct{ Code string }
}

// overTargets runs a command with --targets and returns its lines, the summary last. No output has the password.
func overTargets(t *testing.T, file string, env []string, words ...string) []targetLine {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "rekey", append(words, "--schema", "app", "--targets", file, "--json")...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if said := stdout.String() + stderr.String(); strings.Contains(said, "hunter2") {
		t.Errorf("%q repeats a password: %s", words, said)
	}
	var lines []targetLine
	for line := range strings.Lines(stdout.String()) {
		var one targetLine
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if one.Event != "summary" && (one.Target == "" || one.Group == "" || one.Schema != "app") {
			t.Errorf("%q: %s", words, line)
		}
		lines = append(lines, one)
	}
	if len(lines) == 0 || lines[len(lines)-1].Event != "summary" || lines[len(lines)-1].Exit != cmd.ProcessState.ExitCode() {
		t.Fatalf("%q ended with %d and\n%s%s", words, cmd.ProcessState.ExitCode(), &stdout, &stderr)
	}
	return lines
}

// databaseWithPassword returns the URL of a new database with a schema app, and with a password that the server does not check.
func databaseWithPassword(t *testing.T, c *server.Cluster) string {
	t.Helper()
	made := servertest.Database(t, c).URL
	execute(t, made, "CREATE SCHEMA app; CREATE TABLE app.t (id bigserial PRIMARY KEY, note text); INSERT INTO app.t (note) SELECT 'n' FROM generate_series(1, 20)")
	parsed, err := url.Parse(made)
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.UserPassword(parsed.User.Username(), "hunter2")
	return parsed.String()
}

// TestTargets: groups in order with a canary; a broken target and a dead server stop the command at the limit, and no other target
// otherwise; the same command finishes them.
func TestTargets(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		urls := []string{databaseWithPassword(t, c), databaseWithPassword(t, c), databaseWithPassword(t, c), databaseWithPassword(t, c)}
		execute(t, urls[1], "ALTER TABLE app.t ADD uuid text")
		file := filepath.Join(t.TempDir(), "targets.yaml")
		text := fmt.Sprintf(`targets:
  - {name: a, group: eu, database-url: %q}
  - {name: b, group: eu, database-url: %q}
  - {name: d, group: us, database-url-env: URL_OF_D}
  - {name: c, group: eu, database-url: %q}
  - {name: dead, group: us, database-url: "postgres://app:hunter2@127.0.0.1:1/dead"}
`, urls[0], urls[1], urls[2])
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		env := []string{"URL_OF_D=" + urls[3]}
		names := func(lines []targetLine) (all []string) {
			for _, line := range lines[:len(lines)-1] {
				word := "failed"
				if line.OK {
					word = "done"
				}
				if line.Nothing {
					word = "nothing"
				}
				all = append(all, line.Group+"/"+line.Target+" "+word)
			}
			return all
		}
		check := func(lines []targetLine, done, failed, notBegun, exit int, want ...string) {
			t.Helper()
			last := lines[len(lines)-1]
			if last.Done != done || last.Failed != failed || last.NotBegun != notBegun || last.Exit != exit || len(want) > 0 && !slices.Equal(names(lines), want) {
				t.Errorf("%q and %+v, want %q", names(lines), last, want)
			}
		}
		up := []string{"up", "--canary", "1", "--on-error", "continue", "--parallel", "2"}
		plan := overTargets(t, file, env, "plan", "--group", "eu")
		check(plan, 2, 1, 0, 4)
		if kinds := plan[len(plan)-1].Kinds; len(kinds) != 2 || kinds[0].Schemas != 2 {
			t.Errorf("%+v", kinds)
		}
		lines := overTargets(t, file, env, append(up, "--max-failures", "1", "--parallel", "1")...)
		check(lines, 1, 1, 3, 4, "eu/a done", "eu/b failed")

		report := filepath.Join(t.TempDir(), "fleet.html")
		lines = overTargets(t, file, env, append(up, "--report", report)...)
		check(lines, 3, 2, 0, 4)
		if first := names(lines)[0]; first != "eu/a nothing" {
			t.Errorf("the canary is %s", first)
		}
		for _, line := range lines[:5] {
			if line.Target == "dead" && (line.Event != "result" || len(line.Problems) != 1 || line.Problems[0].Code != "unreachable") {
				t.Errorf("%+v", line)
			}
		}
		html, err := os.ReadFile(report)
		for _, part := range []string{"2 of 5 targets failed", "eu/<wbr>b", "us/<wbr>dead", "no differences", "could not connect"} {
			if !strings.Contains(string(html), part) || strings.Contains(string(html), "hunter2") {
				t.Errorf("%v: the report lacks %q:\n%s", err, part, html)
			}
		}

		execute(t, urls[1], "ALTER TABLE app.t DROP uuid")
		check(overTargets(t, file, env, append(up, "--group", "eu", "--parallel", "1")...), 3, 0, 0, 0, "eu/a nothing", "eu/b done", "eu/c nothing")
		report = filepath.Join(t.TempDir(), "proof.md")
		check(overTargets(t, file, env, "verify", "--report", report), 4, 1, 0, 1)
		if proof, err := os.ReadFile(report); !strings.Contains(string(proof), "4 targets verified, 80 rows counted") || !strings.Contains(string(proof), "1 of 5 targets failed") {
			t.Errorf("%v: %s", err, proof)
		}
		check(overTargets(t, file, env, "status", "--group", "eu,us", "--parallel", "3"), 4, 1, 0, 1)
		check(overTargets(t, file, env, "down", "--group", "eu"), 3, 0, 0, 0)
	})
}
