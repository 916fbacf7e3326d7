package phoenixkit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// pair is a server with PhoenixKit and its standby.
type pair struct {
	*testing.T
	primary, standby *server.Cluster
	pools            [2]*pgxpool.Pool
}

// TestStandby needs its own servers, so it runs on one version only, and its subtests share them and run in sequence.
func TestStandby(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	p.Run("up is refused on a standby, status works", p.readOnly)
	p.Run("other servers are refused as standbys", p.refusals)
	p.Run("the plan shows the standby's settings", p.figures)
	p.Run("a report on the standby delays a lock", p.report)
	p.Run("a report on the standby delays DROP INDEX", p.dropIndex)
	p.Run("a report that starts during the wait for the lock", p.lateReport)
}

func startPair(t *testing.T) *pair {
	t.Helper()
	ctx, versions := t.Context(), servertest.Versions(t)
	installation, err := server.Find(ctx, versions[len(versions)-1])
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{T: t}
	if p.primary, err = server.Start(ctx, installation, server.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.primary.Stop(context.WithoutCancel(ctx)) })
	if p.standby, err = p.primary.Standby(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.standby.Stop(context.WithoutCancel(ctx)) })
	for i, c := range []*server.Cluster{p.primary, p.standby} {
		if p.pools[i], err = connect(c.URL("postgres"), superuser); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.pools[i].Close)
	}
	if _, err := fixture.Install(ctx, p.pools[0], "public"); err != nil {
		t.Fatal(err)
	}
	if err := execAs(t, p.primary.URL("postgres"), superuser, "SET client_min_messages = warning; "+dropExcept(tablesOf(small))); err != nil {
		t.Fatal(err)
	}
	p.waitUntil(p.session(t, p.standby), "SELECT to_regclass('phoenix_kit_orders') IS NULL AND obj_description(to_regclass('phoenix_kit')) = '39'")
	return p
}

func (p *pair) readOnly(t *testing.T) {
	status, err := phoenixkit.Status(t.Context(), p.pools[1], phoenixkit.Options{})
	if err != nil || status.Version != 39 || len(status.Tables) != 33 {
		t.Errorf("status: %+v, %v", status, err)
	}
	result, err := phoenixkit.Up(t.Context(), p.pools[1], phoenixkit.Options{Version: 40})
	if !errors.Is(err, problem.ErrRefused) || result.Problems[0].Code != "standby" {
		t.Errorf("up: %v", err)
	}
}

func (p *pair) refusals(t *testing.T) {
	p.mustExec(t, "CREATE DATABASE other")
	p.waitUntil(p.session(t, p.standby), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'other')")
	other, err := connect(p.standby.URL("other"), superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	closed, err := connect(p.standby.URL("postgres"), "nobody_here")
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	for code, pool := range map[string]*pgxpool.Pool{
		"not_a_standby": p.pools[0], "standby_mismatch": other, "standby_unreadable": closed,
	} {
		options := phoenixkit.Options{Version: 40, Options: rekey.Options{Standbys: []*pgxpool.Pool{p.pools[1], pool}}}
		result, err := phoenixkit.Up(t.Context(), p.pools[0], options)
		if !errors.Is(err, problem.ErrRefused) || len(result.Problems) != 1 || result.Problems[0].Code != code ||
			result.Problems[0].Detail == "" || result.Problems[0].Hint == "" || result.Exit != 4 {
			t.Errorf("%s: %+v, %v", code, result.Problems, err)
		}
	}
}

func (p *pair) figures(t *testing.T) {
	s := p.session(t, p.standby)
	p.run(s, "ALTER SYSTEM SET max_standby_streaming_delay = '17s'")
	p.run(s, "ALTER SYSTEM SET max_standby_archive_delay = -1")
	p.run(s, "SELECT pg_reload_conf()")
	p.waitUntil(s, "SELECT current_setting('max_standby_archive_delay') = '-1'")
	for _, c := range []struct {
		standbys []*pgxpool.Pool
		want     []string
	}{
		{[]*pgxpool.Pool{p.pools[1]}, []string{
			"Standby 127.0.0.1:", "max_standby_streaming_delay 17s", "max_standby_archive_delay -1 (no limit)", "hot_standby_feedback is off",
		}},
		{nil, []string{"could not be read", "--standby-url postgres://"}},
	} {
		plan, err := phoenixkit.Plan(t.Context(), p.pools[0], phoenixkit.Options{Version: 40, Options: rekey.Options{Standbys: c.standbys}})
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(plan.Notes, "\n")
		for _, part := range c.want {
			if !strings.Contains(notes, part) {
				t.Errorf("missing %q in\n%s", part, notes)
			}
		}
		if got := strings.Contains(notes, "could not be read"); got != (c.standbys == nil) {
			t.Errorf("unread standby: %v\n%s", got, notes)
		}
	}
}

// report: rekey takes no lock on a table that a report on the standby reads, so no session queues on the standby. It
// continues after the report.
func (p *pair) report(t *testing.T) {
	report := p.session(t, p.standby)
	p.run(report, "BEGIN; SELECT count(*) FROM phoenix_kit_users WHERE email = 'secret4711'")
	p.runWithBlocker(t, p.pools[1], phoenixkit.Up, 40, "phoenix_kit_users", func(t *testing.T) {
		reader := p.session(t, p.standby)
		p.run(reader, "SET statement_timeout = '2min'")
		p.run(reader, "SELECT count(*) FROM phoenix_kit_users")
		if p.isTrue(p.session(t, p.primary), "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')") {
			t.Error("the table was locked during the report")
		}
		p.run(report, "COMMIT")
	})
	p.waitUntil(report, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid' AND attnotnull)")
}

// dropIndex: DROP INDEX CONCURRENTLY locks the index at its end, when the standby replays it.
func (p *pair) dropIndex(t *testing.T) {
	report := p.session(t, p.standby)
	p.run(report, "BEGIN; SELECT count(*) FROM phoenix_kit_users WHERE email = 'secret4711'")
	p.runWithBlocker(t, p.pools[1], phoenixkit.Down, 39, "phoenix_kit_users", func(t *testing.T) {
		if !p.isTrue(p.session(t, p.primary), "SELECT to_regclass('phoenix_kit_users_uuid_idx') IS NOT NULL") {
			t.Error("the index was dropped during the report")
		}
		p.run(report, "COMMIT")
	})
	p.waitUntil(report, "SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')")
}

// lateReport: the report starts while rekey waits for the table on the primary. On the standby, rekey's role can see
// only the existence of other roles' sessions.
func (p *pair) lateReport(t *testing.T) {
	p.mustExec(t, "CREATE ROLE blind LOGIN")
	p.waitUntil(p.session(t, p.standby), "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'blind')")
	blind, err := connect(p.standby.URL("postgres"), "blind")
	if err != nil {
		t.Fatal(err)
	}
	defer blind.Close()
	holder, report := p.session(t, p.primary), p.session(t, p.standby)
	p.run(holder, "BEGIN; LOCK TABLE phoenix_kit_email_templates IN SHARE UPDATE EXCLUSIVE MODE")
	observer, started := p.session(t, p.primary), make(chan struct{})
	go func() {
		defer close(started)
		p.waitUntil(observer, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'phoenix_kit_email_templates'::regclass)")
		p.run(report, "BEGIN; SELECT count(*) FROM phoenix_kit_email_templates WHERE name = 'secret4711'")
		p.run(holder, "COMMIT")
	}()
	p.runWithBlocker(t, blind, phoenixkit.Up, 40, "phoenix_kit_email_templates", func(t *testing.T) {
		if p.isTrue(observer, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_email_templates'::regclass AND attname = 'uuid')") {
			t.Error("the table was locked during the report")
		}
		p.run(report, "COMMIT")
	})
	<-started
}

type command func(context.Context, *pgxpool.Pool, phoenixkit.Options) (event.Result, error)

// runWithBlocker runs up or down with a standby. After two attempts that fail because of a session on the standby, it calls
// end.
func (p *pair) runWithBlocker(t *testing.T, standby *pgxpool.Pool, do command, version int, table string, end func(*testing.T)) {
	t.Helper()
	var named []string
	ended := false
	options := phoenixkit.Options{Version: version, Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}, Standbys: []*pgxpool.Pool{standby}, OnEvent: func(e event.Event) {
		refused, ok := e.(event.LockRefused)
		if !ok || refused.Table != "public."+table || len(refused.Blockers) == 0 || !strings.HasPrefix(refused.Blockers[0], "standby ") {
			return
		}
		if named = append(named, refused.Blockers...); len(named) >= 2 && !ended {
			ended = true
			end(t)
		}
	}}}
	result, err := do(t.Context(), p.pools[0], options)
	if err != nil || result.Version != options.Version {
		t.Fatalf("unexpected result: %+v, %v", result, err)
	}
	if len(named) < 2 {
		t.Fatalf("no session on the standby was named: %q", named)
	}
	parts := []string{"standby 127.0.0.1:", "pid "}
	if standby == p.pools[1] {
		parts = append(parts, "report", "idle in transaction", "for ", "SELECT count(*)")
	}
	for _, part := range parts {
		if !strings.Contains(named[0], part) {
			t.Errorf("missing %q in %q", part, named[0])
		}
	}
	if strings.Contains(named[0], "4711") {
		t.Errorf("a literal is shown in %q", named[0])
	}
}

func (p *pair) session(t *testing.T, c *server.Cluster) *pgconn.PgConn {
	t.Helper()
	config, err := pgconn.ParseConfig(c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["application_name"] = "report"
	conn, err := pgconn.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (p *pair) mustExec(t *testing.T, sql string) {
	t.Helper()
	p.run(p.session(t, p.primary), sql)
}

func (p *pair) run(conn *pgconn.PgConn, sql string) []*pgconn.Result {
	p.Helper()
	results, err := conn.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		p.Errorf("%v in %s", err, sql)
	}
	return results
}

func (p *pair) isTrue(conn *pgconn.PgConn, sql string) bool {
	p.Helper()
	results := p.run(conn, sql)
	return len(results) == 1 && len(results[0].Rows) == 1 && string(results[0].Rows[0][0]) == "t"
}

// waitUntil repeats a query until it returns true: a standby lags.
func (p *pair) waitUntil(conn *pgconn.PgConn, sql string) {
	p.Helper()
	for end := time.Now().Add(deadline); !p.isTrue(conn, sql); time.Sleep(20 * time.Millisecond) {
		if p.Failed() || time.Now().After(end) {
			p.Errorf("condition did not become true: %s", sql)
			return
		}
	}
}
