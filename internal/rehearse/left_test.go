package rehearse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// TestDropsWhatKilledRehearsalsLeft checks that a rehearsal drops a marked database without a session, and nothing else: not one in use,
// one that was kept, one of another role, or one of another name.
func TestDropsWhatKilledRehearsalsLeft(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		admin := servertest.Pool(t, c.URL("postgres"))
		servertest.Execute(t, admin, "CREATE ROLE leaving LOGIN CREATEDB")
		own := strings.Replace(c.URL("postgres"), "postgres@", "leaving@", 1)
		var made []string
		r := rehearsal{}
		pool := servertest.Pool(t, own)
		create := func(name, owner, mark string) {
			servertest.Execute(t, admin, `CREATE DATABASE "`+name+`" OWNER `+owner)
			servertest.Execute(t, admin, `COMMENT ON DATABASE "`+name+`" IS '`+mark+`'`)
			made = append(made, name)
		}
		defer func() {
			for _, name := range made {
				servertest.Execute(t, admin, `DROP DATABASE IF EXISTS "`+name+`" WITH (FORCE)`)
			}
			servertest.Execute(t, admin, "DROP ROLE leaving")
		}()
		const prefix = "rekey_rehearsal_00000000000"
		create(prefix+"1", "leaving", ownMark)
		create(prefix+"2", "leaving", ownMark) // in use
		create(prefix+"3", "leaving", "kept")
		create(prefix+"4", "postgres", ownMark)
		create("my_"+prefix+"5", "leaving", ownMark)
		used := servertest.Pool(t, strings.Replace(own, "/postgres", "/"+prefix+"2", 1))
		servertest.Execute(t, used, "SELECT 1")
		var said []string
		r.Say = func(line string) { said = append(said, line) }
		if err := r.dropLeft(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		var rest string
		if err := admin.QueryRow(t.Context(), `SELECT string_agg(right(datname, 1), ' ' ORDER BY right(datname, 1)) FROM pg_database WHERE datname ~ 'rekey_rehearsal_0'`).Scan(&rest); err != nil {
			t.Fatal(err)
		}
		if rest != "2 3 4 5" || len(said) != 1 || !strings.Contains(said[0], prefix+"1") {
			t.Errorf("left are %s, said was %q", rest, said)
		}
	})
}

// TestOldDumpIsRefused checks that a pg_dump that is older than the server is refused with what to install, and that a later one in PATH
// is used.
func TestOldDumpIsRefused(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("the program is a shell script")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "pg_dump")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho 'pg_dump (PostgreSQL) 98.1'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return map[string]string{"PATH": dir}[name] }
	if found, err := findDump(t.Context(), 98, path); err != nil || found != program {
		t.Errorf("%s, %v", found, err)
	}
	_, err := findDump(t.Context(), 99, path)
	p, ok := err.(*problem.Problem) //nolint:errorlint // it is returned as it is
	if !ok || p.Kind != problem.Refused || p.Code != "no_pg_dump" || !strings.Contains(p.Message, "version 99 or later") || !strings.Contains(p.Hint, "postgresql-client") {
		t.Errorf("%v", err)
	}
}

func TestEstimate(t *testing.T) {
	done := func(step string, took time.Duration) history.Entry {
		return history.Entry{Event: event.StepDone{Step: step, Elapsed: took}}
	}
	r := Result{Rows: 100, SourceRows: 1000, Entries: []history.Entry{
		done("public.t/add-column", 7*time.Second), done("public.t/fill-column", 2*time.Second), done("public.c.t_id/fill", time.Second), done("public.t/build-index", time.Second),
		{Event: event.Result{}},
	}}
	r.estimate(12 * time.Second)
	if r.ExpectedUp != 48*time.Second || !strings.HasPrefix(r.Estimate(), "On all 1000 rows up would take about 48s") {
		t.Errorf("%s: %s", r.ExpectedUp, r.Estimate())
	}
	if notice, ok := r.Entries[4].Event.(event.Notice); !ok || notice.Text != r.Estimate() {
		t.Errorf("%+v", r.Entries)
	}
	all := Result{Rows: 100, SourceRows: 100, Entries: r.Entries}
	if all.estimate(time.Second); all.ExpectedUp != 0 || all.Estimate() != "" {
		t.Errorf("all rows: %s", all.ExpectedUp)
	}
}
