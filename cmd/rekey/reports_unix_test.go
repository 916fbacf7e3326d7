//go:build unix

package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/report"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestReportsOfOneRun checks that up --report and a later rekey report say the same of a run that waited for a lock, that no format
// contains a password or a literal of another session, and that every ACCESS EXCLUSIVE lock which the server logged is listed.
func TestReportsOfOneRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		plain := app(t, c)
		execute(t, plain, `CREATE TABLE app.child (id bigserial PRIMARY KEY, t_id bigint NOT NULL REFERENCES app.t); INSERT INTO app.child (t_id) SELECT id FROM app.t`)
		pool := servertest.Pool(t, plain)
		begun := position(t, pool)
		release := servertest.Hold(t, pool, "SELECT 'SECRET-LITERAL', count(*) FROM app.t WHERE n::text <> 'SECRET-LITERAL'")
		defer release()
		address := withSecrets(t, plain)
		dir := t.TempDir()
		first := filepath.Join(dir, "first.json")
		up := start(t, address, "rekey", "up", "--schema", "app", "--to", "linked", "--time-column", "t=created_at", "--report", first)
		up.until("blocked by")
		release()
		if code := up.code(); code != 0 {
			t.Fatalf("%d: %s", code, up.text())
		}
		d := readReport(t, first)
		checkLocks(t, d, logged(t, pool, begun))
		if len(d.Refused) == 0 || d.Run.Locks.Attempts < d.Run.Locks.Count || len(d.Environment.Settings) < 30 {
			t.Errorf("%d lock timeouts, %+v, %d settings", len(d.Refused), d.Run.Locks, len(d.Environment.Settings))
		}
		for _, s := range d.Environment.Settings {
			if s.Name == "shared_buffers" && !strings.HasSuffix(s.Value, "B") || s.Name == "idle_in_transaction_session_timeout" && s.Value != "61s" && s.Value != "61000 ms" {
				t.Errorf("%+v", s)
			}
		}
		for _, format := range report.Formats() {
			file := filepath.Join(dir, "later."+format)
			later := start(t, address, "rekey", "report", "--schema", "app", "--output", file)
			if code := later.code(); code != 0 {
				t.Fatalf("%d: %s", code, later.text())
			}
			text, err := os.ReadFile(file)
			if err != nil || strings.Contains(string(text), "SECRET") || strings.Contains(string(text), "hunter2") || strings.Contains(up.text()+later.text(), "SECRET") {
				t.Errorf("%s: %v\n%s", format, err, text)
			}
		}
		again := readReport(t, filepath.Join(dir, "later.json"))
		again.Made = d.Made
		if diff := cmp.Diff(d, again); diff != "" {
			t.Errorf("a later report differs (-up --report +rekey report):\n%s", diff)
		}
	})
}

// withSecrets returns the URL with a password, which the server does not ask for, and gives the database settings of an application.
func withSecrets(t *testing.T, plain string) string {
	t.Helper()
	u, err := url.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	execute(t, plain, `ALTER DATABASE "`+name+`" SET app.api_key = 'hunter2'; ALTER DATABASE "`+name+`" SET idle_in_transaction_session_timeout = '61s'`)
	u.User = url.UserPassword(u.User.Username(), "hunter2")
	return u.String()
}

func readReport(t *testing.T, file string) (d report.Document) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// position returns the position in the WAL, or "" if the server cannot read its own WAL.
func position(t *testing.T, pool *pgxpool.Pool) (lsn string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), "CREATE EXTENSION pg_walinspect"); err != nil {
		t.Logf("locks are not compared with the WAL: %v", err)
		return ""
	}
	if err := pool.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text WHERE current_setting('wal_level') <> 'minimal'").Scan(&lsn); err != nil {
		t.Logf("locks are not compared with the WAL: %v", err)
	}
	return lsn
}

// logged returns the number of ACCESS EXCLUSIVE locks on each table of the schema that the server has logged for standbys.
func logged(t *testing.T, pool *pgxpool.Pool, begun string) map[string]int {
	t.Helper()
	if begun == "" {
		return nil
	}
	if _, err := pool.Exec(t.Context(), "SELECT pg_switch_wal()"); err != nil { // it flushes the WAL
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `SELECT 'app.' || c.relname, count(*)
FROM pg_get_wal_records_info($1::text::pg_lsn, pg_current_wal_flush_lsn()) r
JOIN pg_class c ON r.description LIKE '%db ' || (SELECT oid FROM pg_database WHERE datname = current_database()) || ' rel ' || c.oid || ' %'
  OR r.description LIKE '%db ' || (SELECT oid FROM pg_database WHERE datname = current_database()) || ' rel ' || c.oid
WHERE r.resource_manager = 'Standby' AND r.record_type = 'LOCK' AND c.relkind = 'r' AND c.relnamespace = 'app'::regnamespace
GROUP BY 1`, begun)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for rows.Next() {
		var table string
		var n int
		if err := rows.Scan(&table, &n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// checkLocks compares the ACCESS EXCLUSIVE locks of a report with its sum, and with those that the server logged; nil skips that.
func checkLocks(t *testing.T, d report.Document, want map[string]int) {
	t.Helper()
	got, n := map[string]int{}, 0
	for _, l := range d.Locks {
		if len(l.Locks) == 0 || l.Step == "" {
			t.Errorf("a lock without a table or a step: %+v", l)
		}
		for _, table := range l.Exclusive() {
			got[table]++
			n++
		}
	}
	if n != d.Run.Locks.Count || n == 0 {
		t.Errorf("%d locks, the sum is %+v", n, d.Run.Locks)
	}
	if diff := cmp.Diff(want, got); diff != "" && want != nil {
		t.Errorf("the report lists other locks (-WAL +report):\n%s", diff)
	}
}

// TestReportOfARefusedRun checks that the report says what was asked, and of which server.
func TestReportOfARefusedRun(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		address := app(t, c)
		execute(t, address, "ALTER TABLE app.t ADD COLUMN uuid text")
		file := filepath.Join(t.TempDir(), "refused.md")
		up := start(t, address, "rekey", "up", "--schema", "app", "--to", "linked", "--report", file)
		if code := up.code(); code != 4 {
			t.Fatalf("%d: %s", code, up.text())
		}
		text, err := os.ReadFile(file)
		for _, want := range []string{"Refused before the first change", "| --to | linked |", "On PostgreSQL ", "Nothing was changed", "| max\\_wal\\_size |"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %q (%v) in:\n%s", want, err, text)
			}
		}
	})
}
