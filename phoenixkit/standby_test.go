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

// pair is a server with PhoenixKit and one that follows it.
type pair struct {
	*testing.T
	primary, standby *server.Cluster
	pools            [2]*pgxpool.Pool
}

// TestStandby needs servers of its own, so one version has to do, and the tests of one another's state go one
// after the other.
func TestStandby(t *testing.T) {
	t.Parallel()
	p := follow(t)
	p.Run("nothing is changed there, and it is read all the same", p.readOnly)
	p.Run("what is no standby of this database is refused", p.refusals)
	p.Run("the plan tells its figures", p.figures)
	p.Run("a report keeps the lock from being taken", p.report)
	p.Run("a report keeps an index from being dropped", p.drop)
	p.Run("a report that begins while the table is waited for counts", p.lateReport)
}

func follow(t *testing.T) *pair {
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
	if err := do(t, p.primary.URL("postgres"), superuser, "SET client_min_messages = warning; "+dropBut(rooms(small))); err != nil {
		t.Fatal(err)
	}
	p.until(p.session(t, p.standby), "SELECT to_regclass('phoenix_kit_orders') IS NULL AND obj_description(to_regclass('phoenix_kit')) = '39'")
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
	p.mustDo(t, "CREATE DATABASE other")
	p.until(p.session(t, p.standby), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'other')")
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
	p.until(s, "SELECT current_setting('max_standby_archive_delay') = '-1'")
	for _, c := range []struct {
		standbys []*pgxpool.Pool
		says     []string
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
		for _, word := range c.says {
			if !strings.Contains(notes, word) {
				t.Errorf("%q is not in\n%s", word, notes)
			}
		}
		if got := strings.Contains(notes, "could not be read"); got != (c.standbys == nil) {
			t.Errorf("unread: %v\n%s", got, notes)
		}
	}
}

// report: rekey does not lock what a report on the standby reads, nobody there queues meanwhile, and it
// goes on when the report has ended.
func (p *pair) report(t *testing.T) {
	report := p.session(t, p.standby)
	p.run(report, "BEGIN; SELECT count(*) FROM phoenix_kit_users WHERE email = 'secret4711'")
	p.through(t, p.pools[1], phoenixkit.Up, 40, "phoenix_kit_users", func(t *testing.T) {
		reader := p.session(t, p.standby)
		p.run(reader, "SET statement_timeout = '2min'")
		p.run(reader, "SELECT count(*) FROM phoenix_kit_users")
		if p.yes(p.session(t, p.primary), "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')") {
			t.Error("the table was locked all the same")
		}
		p.run(report, "COMMIT")
	})
	p.until(report, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid' AND attnotnull)")
}

// drop: DROP INDEX CONCURRENTLY locks the index at its end, as the standby replays it.
func (p *pair) drop(t *testing.T) {
	report := p.session(t, p.standby)
	p.run(report, "BEGIN; SELECT count(*) FROM phoenix_kit_users WHERE email = 'secret4711'")
	p.through(t, p.pools[1], phoenixkit.Down, 39, "phoenix_kit_users", func(t *testing.T) {
		if !p.yes(p.session(t, p.primary), "SELECT to_regclass('phoenix_kit_users_uuid_idx') IS NOT NULL") {
			t.Error("the index was dropped all the same")
		}
		p.run(report, "COMMIT")
	})
	p.until(report, "SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')")
}

// lateReport: nobody was there when rekey began to wait for the table on the primary. On the standby rekey
// is a role that may see no more of other roles' sessions than that they are there.
func (p *pair) lateReport(t *testing.T) {
	p.mustDo(t, "CREATE ROLE blind LOGIN")
	p.until(p.session(t, p.standby), "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'blind')")
	blind, err := connect(p.standby.URL("postgres"), "blind")
	if err != nil {
		t.Fatal(err)
	}
	defer blind.Close()
	holder, report := p.session(t, p.primary), p.session(t, p.standby)
	p.run(holder, "BEGIN; LOCK TABLE phoenix_kit_email_templates IN SHARE UPDATE EXCLUSIVE MODE")
	observer, begun := p.session(t, p.primary), make(chan struct{})
	go func() {
		defer close(begun)
		p.until(observer, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'phoenix_kit_email_templates'::regclass)")
		p.run(report, "BEGIN; SELECT count(*) FROM phoenix_kit_email_templates WHERE name = 'secret4711'")
		p.run(holder, "COMMIT")
	}()
	p.through(t, blind, phoenixkit.Up, 40, "phoenix_kit_email_templates", func(t *testing.T) {
		if p.yes(observer, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_email_templates'::regclass AND attname = 'uuid')") {
			t.Error("the table was locked all the same")
		}
		p.run(report, "COMMIT")
	})
	<-begun
}

type doing func(context.Context, *pgxpool.Pool, phoenixkit.Options) (event.Result, error)

// through runs up or down beside the standby. Where it is kept from the table by someone there, twice, the
// test does what ends that.
func (p *pair) through(t *testing.T, standby *pgxpool.Pool, do doing, version int, table string, end func(*testing.T)) {
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
		t.Fatalf("it ended with %+v, %v", result, err)
	}
	if len(named) < 2 {
		t.Fatalf("nobody on the standby was named: %q", named)
	}
	words := []string{"standby 127.0.0.1:", "pid "}
	if standby == p.pools[1] {
		words = append(words, "report", "idle in transaction", "for ", "SELECT count(*)")
	}
	for _, word := range words {
		if !strings.Contains(named[0], word) {
			t.Errorf("%q is not in %q", word, named[0])
		}
	}
	if strings.Contains(named[0], "4711") {
		t.Errorf("a literal is in %q", named[0])
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

func (p *pair) mustDo(t *testing.T, sql string) {
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

func (p *pair) yes(conn *pgconn.PgConn, sql string) bool {
	p.Helper()
	results := p.run(conn, sql)
	return len(results) == 1 && len(results[0].Rows) == 1 && string(results[0].Rows[0][0]) == "t"
}

// until asks until the answer is yes: a standby follows in its own time.
func (p *pair) until(conn *pgconn.PgConn, sql string) {
	p.Helper()
	for end := time.Now().Add(patience); !p.yes(conn, sql); time.Sleep(20 * time.Millisecond) {
		if p.Failed() || time.Now().After(end) {
			p.Errorf("never: %s", sql)
			return
		}
	}
}
