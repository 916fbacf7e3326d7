package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// shown is one line of a fleet's JSON: of a schema, or the last line.
type shown struct {
	Event, Schema string
	OK            bool
	Nothing       bool `json:"nothing_to_do"`
	Done, Failed  int
	NotBegun      int      `json:"not_begun"`
	Skipped       []string `json:"skipped"`
	Exit          int
}

// fleet runs the command on many schemas and returns its lines, the summary last.
func fleet(t *testing.T, url string, words ...string) []shown {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "rekey", append(words, "--json")...)
	cmd.Env = append(os.Environ(), "REKEY_DATABASE_URL="+url)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var lines []shown
	for line := range strings.Lines(string(out)) {
		lines = append(lines, parsed(t, line))
	}
	if len(lines) == 0 || lines[len(lines)-1].Event != "summary" || lines[len(lines)-1].Exit != cmd.ProcessState.ExitCode() {
		t.Fatalf("%q ended with %d and\n%s%s", words, cmd.ProcessState.ExitCode(), out, &stderr)
	}
	return lines
}

func parsed(t *testing.T, line string) shown {
	t.Helper()
	var said shown
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return said
}

// summary returns the last line.
func summary(lines []shown) shown { return lines[len(lines)-1] }

// tenants creates this number of schemas, each with three tables of a few rows.
func tenants(t *testing.T, url string, many int) {
	t.Helper()
	var sql strings.Builder
	for n := range many {
		for table := range 3 {
			fmt.Fprintf(&sql, "CREATE SCHEMA IF NOT EXISTS tenant_%02[1]d; CREATE TABLE tenant_%02[1]d.t%[2]d (id bigserial PRIMARY KEY, note text);"+
				"INSERT INTO tenant_%02[1]d.t%[2]d (note) SELECT 'n' FROM generate_series(1, 20);\n", n, table)
		}
	}
	execute(t, url, "SET client_min_messages = warning; "+sql.String())
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
}

// TestKilledFleetResumes: after a fleet's process is killed, finished schemas stay finished and the same command
// finishes the others; the schemas of the killed runs are held until their leases expire.
func TestKilledFleetResumes(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const many, seen = 12, 3
		url := servertest.Database(t, c).URL
		tenants(t, url, many)
		done := killed(t, url, seen, fmt.Sprintf("tenant_%02d.t2", many-1))
		var last []shown
		for deadline := time.Now().Add(timeout); ; time.Sleep(500 * time.Millisecond) {
			last = fleet(t, url, "up", "--schema", "tenant_*", "--parallel", "3", "--on-error", "continue")
			for _, line := range last[:len(last)-1] {
				if slices.Contains(done, line.Schema) && !line.Nothing {
					t.Errorf("%s was done before the kill, and is not now: %+v", line.Schema, line)
				}
			}
			if summary(last).Exit == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("it does not come to an end: %+v", summary(last))
			}
		}
		if s := summary(fleet(t, url, "verify", "--schema", "tenant_*", "--parallel", "3")); !s.OK || s.Done != many {
			t.Errorf("verify: %+v", s)
		}
		for _, line := range fleet(t, url, "up", "--schema", "tenant_*")[:many] {
			if !line.Nothing {
				t.Errorf("after the end: %+v", line)
			}
		}
	})
}

// killed starts a fleet, kills its process when some schemas have ended, and returns their names. A locked table keeps
// the fleet from ending before that.
func killed(t *testing.T, url string, some int, locked string) []string {
	t.Helper()
	release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE "+locked+" IN ACCESS SHARE MODE")
	defer release()
	cmd := exec.CommandContext(t.Context(), "rekey", "up", "--schema", "tenant_*", "--parallel", "3", "--json")
	cmd.Env = append(os.Environ(), "REKEY_DATABASE_URL="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var done []string
	for lines := bufio.NewScanner(out); len(done) < some && lines.Scan(); {
		done = append(done, parsed(t, lines.Text()).Schema)
	}
	_ = cmd.Process.Kill()
	if err := cmd.Wait(); err == nil || len(done) < some {
		t.Fatalf("it ended by itself after %q: %v", done, err)
	}
	return done
}

// TestFleetOrder: canaries run first and in order, then the others; failures end the fleet if they must.
func TestFleetOrder(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := servertest.Database(t, c).URL
		tenants(t, url, 8)
		execute(t, url, "ALTER TABLE tenant_04.t1 ADD uuid text; ALTER TABLE tenant_06.t1 ADD uuid text")
		all := fleet(t, url, "up", "--schema", "tenant_*", "--canary", "5", "--parallel", "4")
		for n, line := range all[:len(all)-1] {
			if want := fmt.Sprintf("tenant_%02d", n); line.Schema != want || line.OK != (n != 4) {
				t.Errorf("line %d: %+v, want %s", n, line, want)
			}
		}
		if s := summary(all); s.Done != 4 || s.Failed != 1 || s.NotBegun != 3 || s.Exit != 4 {
			t.Errorf("a canary failed: %+v", s)
		}
		for most, want := range map[string]shown{"1": {Done: 4, Failed: 1, NotBegun: 3}, "2": {Done: 5, Failed: 2, NotBegun: 1}, "0": {Done: 6, Failed: 2}} {
			s := summary(fleet(t, url, "plan", "--schema", "tenant_*"))
			if s.Done != 6 || s.Failed != 2 {
				t.Errorf("plan: %+v", s)
			}
			s = summary(fleet(t, url, "up", "--schema", "tenant_*", "--on-error", "continue", "--max-failures", most))
			if s.Done != want.Done || s.Failed != want.Failed || s.NotBegun != want.NotBegun || s.Exit != 4 {
				t.Errorf("at most %s failures: %+v", most, s)
			}
		}
	})
}

// TestManyPrefixes: with PhoenixKit's profile the command migrates every prefix that matches a pattern, and skips
// schemas without its tables; an escaped star is a star.
func TestManyPrefixes(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := servertest.Database(t, c).URL
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		prefixes := []string{"kit*", "kit_a", "kit_b"}
		var most []string // modules that are not enabled
		for _, table := range phoenixkit.Profile().Tables[4:] {
			most = append(most, table.Name)
		}
		for _, prefix := range prefixes {
			if _, err := fixture.Install(t.Context(), conn, prefix, fixture.Without(most...)); err != nil {
				t.Fatal(err)
			}
			if err := fixture.Seed(t.Context(), conn, prefix, fixture.Size{Users: 10, Events: 10}); err != nil {
				t.Fatal(err)
			}
		}
		execute(t, url, "CREATE SCHEMA kit_none; CREATE SCHEMA other")
		kit := func(command, prefix string, more ...string) []shown {
			return fleet(t, url, append([]string{command, "--profile", "phoenixkit", "--prefix", prefix, "--parallel", "2"}, more...)...)
		}
		for _, step := range []struct {
			command string
			more    []string
		}{
			{"plan", nil},
			{"up", []string{"--canary", "1"}},
			{"status", nil},
			{"verify", nil},
			{"plan", []string{"--version", "39"}},
			{"down", []string{"--on-error", "continue", "--max-failures", "2"}},
			{"plan", nil},
		} {
			lines := kit(step.command, "kit*", step.more...)
			var seen []string
			for _, line := range lines[:len(lines)-1] {
				seen = append(seen, line.Schema)
			}
			slices.Sort(seen)
			if s := summary(lines); !s.OK || s.Done != 3 || !slices.Equal(s.Skipped, []string{"kit_none"}) || !slices.Equal(seen, prefixes) {
				t.Errorf("%s: %q and %+v", step.command, seen, s)
			}
		}
		one := exec.CommandContext(t.Context(), "rekey", "up", "--profile", "phoenixkit", "--prefix", `kit\*`, "--json")
		one.Env = append(os.Environ(), "REKEY_DATABASE_URL="+url)
		out, err := one.Output()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if said := parsed(t, lines[len(lines)-1]); err != nil || said.Event != "result" || said.Schema != "kit*" || said.Nothing {
			t.Errorf("one of a literal name: %v, %+v", err, said)
		}
		for _, line := range kit("plan", "kit*")[:3] {
			if line.Nothing != (line.Schema == "kit*") {
				t.Errorf("after one alone: %+v", line)
			}
		}
	})
}
