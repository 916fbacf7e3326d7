package rekey_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestDoctorOfATroubledServer provokes on one server all that slows a run and that a server can be set to, and checks that each is found
// with a command, that the role's own timeouts are not, and that all of it takes no more than a page.
func TestDoctorOfATroubledServer(t *testing.T) {
	majors := servertest.Versions(t)
	installation, err := server.Find(t.Context(), majors[len(majors)-1])
	if err != nil {
		t.Fatal(err)
	}
	c, err := server.Start(t.Context(), installation, server.Options{Memory: true, Settings: map[string]string{
		"wal_level": "logical", "autovacuum": "off", "track_counts": "off", "synchronous_standby_names": "nobody", "checkpoint_timeout": "30s",
		"max_connections": "12", "archive_mode": "on", "archive_command": "false", "maintenance_work_mem": "1MB", "max_prepared_transactions": "2",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
	admin := newPoolAs(t, c.URL("postgres"), "postgres")
	servertest.Execute(t, admin, `SET synchronous_commit = local; CREATE ROLE crawling LOGIN;
		ALTER ROLE crawling SET temp_file_limit = '1MB'; ALTER ROLE crawling SET lock_timeout = '7s'; ALTER ROLE crawling SET statement_timeout = '9s';
		GRANT CREATE ON DATABASE postgres TO crawling; CREATE SCHEMA app AUTHORIZATION crawling; SET ROLE crawling;
		CREATE TABLE app.t (id bigint PRIMARY KEY, note text) WITH (autovacuum_enabled = off);
		INSERT INTO app.t SELECT n, 'n' FROM generate_series(1, 100000) n; ANALYZE app.t; RESET ROLE;
		SELECT pg_create_physical_replication_slot('forgotten', true); SELECT pg_switch_wal()`)
	servertest.Execute(t, admin, `SET synchronous_commit = local; BEGIN; LOCK TABLE app.t IN ACCESS SHARE MODE; PREPARE TRANSACTION 'forgotten'`)
	waitUntil(t, admin, "SELECT failed_count > 0 FROM pg_stat_archiver")
	waitUntil(t, admin, "SELECT clock_timestamp() > prepared + interval '1.1 seconds' FROM pg_prepared_xacts")
	m, err := rekey.New(newPoolAs(t, c.URL("postgres"), "crawling"), rekey.Schema{Name: "app"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := m.Diagnose(t.Context(), rekey.Up)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]rekey.Finding{}
	for _, f := range doc.Findings {
		found[f.Name] = f
	}
	for name, command := range map[string]string{
		"autovacuum": "ALTER SYSTEM SET autovacuum = on", "track_counts": "ALTER SYSTEM SET track_counts = on", "synchronous_standby_names": "ALTER SYSTEM RESET synchronous_standby_names",
		"checkpoint_timeout": "ALTER SYSTEM SET checkpoint_timeout", "autovacuum_enabled": `ALTER TABLE "app"."t" RESET (autovacuum_enabled)`,
		"temp_file_limit": `ALTER ROLE "crawling" SET temp_file_limit = -1`, "slots": "pg_drop_replication_slot", "archive": "pg_stat_archiver", "connections": "pg_stat_activity", "locks": "pg_prepared_xacts",
	} {
		if f := found[name]; f.Level != rekey.FindingSlows || f.Hint == "" || !strings.Contains(f.Hint, command) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := found["pg_monitor"]; f.Level != rekey.FindingHidden || !strings.Contains(f.Hint, "GRANT pg_monitor TO") {
		t.Errorf("pg_monitor: %+v", f)
	}
	if !doc.Ready {
		t.Errorf("a run would be refused: %+v", doc.Findings)
	}
	const most = 50 // eleven findings
	text := screen.Doctor(doc, "rekey up --schema app", 80)
	if lines := strings.Count(text, "\n"); lines > most {
		t.Errorf("%d lines:\n%s", lines, text)
	}
}

// newPoolAs opens a pool of few connections as a role.
func newPoolAs(t *testing.T, url, role string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.User, config.MaxConns = role, 3
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// waitUntil waits until a query returns true.
func waitUntil(t *testing.T, pool *pgxpool.Pool, query string) {
	t.Helper()
	for reached := false; !reached; {
		if err := pool.QueryRow(t.Context(), "SELECT pg_sleep(0.05) IS NULL OR ("+query+")").Scan(&reached); err != nil {
			t.Fatal(err)
		}
	}
}
