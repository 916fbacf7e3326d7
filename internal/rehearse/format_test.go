package rehearse

import (
	"maps"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// TestCopiedValues checks that rows arrive as they are, whatever the settings of both roles are: dates, intervals, numbers, bytes, and
// texts in another encoding.
func TestCopiedValues(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		const create = `CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, born date, at timestamptz, span interval, part float8, bytes bytea, name text)`
		open := func(settings map[string]string) *pgxpool.Pool {
			admin := servertest.Pool(t, servertest.Database(t, c).URL)
			servertest.Execute(t, admin, create)
			config := admin.Config()
			config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
			maps.Copy(config.ConnConfig.RuntimeParams, settings)
			pool, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			return pool
		}
		source := open(map[string]string{
			"DateStyle": "SQL, DMY", "IntervalStyle": "sql_standard", "extra_float_digits": "-9", "bytea_output": "escape", "client_encoding": "LATIN1", "TimeZone": "Asia/Kathmandu",
		})
		target := open(map[string]string{"DateStyle": "German, MDY", "TimeZone": "America/New_York"})
		servertest.Execute(t, source, `INSERT INTO app.t VALUES (1, '2026-03-04', '2026-03-04 05:06:07.123456+00', '-1 day -2 hours', 0.1::float8 + 0.2, '\x00ff5c', U&'\00e9')`)
		to, err := target.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer to.Release()
		r := &rehearsal{Request: Request{Source: source, Schema: "app", Share: 1}}
		err = r.readOnly(t.Context(), func(tx pgx.Tx) (err error) {
			if r.tables, err = readTables(t.Context(), tx, "app"); err != nil {
				return err
			}
			return r.copySample(t.Context(), tx, to.Conn())
		})
		if err != nil {
			t.Fatal(err)
		}
		var same bool
		err = target.QueryRow(t.Context(), `SELECT (born, at, span, part, bytes, name) = ('2026-03-04'::date, '2026-03-04 05:06:07.123456+00'::timestamptz, '-1 day -2 hours'::interval, 0.1::float8 + 0.2, '\x00ff5c'::bytea, U&'\00e9')
			FROM app.t`).Scan(&same)
		if err != nil || !same {
			t.Errorf("the copied row differs: %v", err)
		}
	})
}

// TestUntrustedCodeIsRefused checks that a rehearsal reads no table whose owner has put code into it that would run as the role.
func TestUntrustedCodeIsRefused(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, `DO $$BEGIN CREATE ROLE planter; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
			CREATE SCHEMA app AUTHORIZATION planter; SET ROLE planter; CREATE TABLE app.t (id int);
			CREATE FUNCTION app.f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN IF current_user <> 'planter' THEN RAISE 'it ran'; END IF; RETURN 1; END$$;
			CREATE INDEX ON app.t ((app.f(1))); RESET ROLE`)
		_, err := Run(t.Context(), Request{Source: pool, Schema: "app", Share: 1, Getenv: os.Getenv, Say: func(string) {}})
		if found := problem.All(err); len(found) != 1 || found[0].Code != "untrusted_code" {
			t.Errorf("%v", err)
		}
	})
}
