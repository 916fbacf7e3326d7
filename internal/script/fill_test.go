package script_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// createSite creates two tables that are large enough for waves, one of them without an integer key.
func createSite(t *testing.T, c *server.Cluster) (*database, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.exec(`CREATE TABLE kit (); COMMENT ON TABLE kit IS '39';
		CREATE TABLE keyed (id bigint PRIMARY KEY, note text) WITH (autovacuum_enabled = off);
		INSERT INTO keyed SELECT n * 7 - 100000, repeat('x', 400) FROM generate_series(1, 12000) n;
		INSERT INTO keyed VALUES (-9223372036854775808, 'least'), (9223372036854775807, 'greatest');
		CREATE TABLE keyless (name text PRIMARY KEY, note text);
		INSERT INTO keyless SELECT 'n' || n, repeat('x', 150) FROM generate_series(1, 3000) n`)
	h.exec("VACUUM ANALYZE keyed")
	h.exec("VACUUM ANALYZE keyless")
	return h, rekeytest.Setup{Scope: rekey.Profile{
		Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
		Tables: []rekey.ProfileTable{{Name: "keyed"}, {Name: "keyless"}},
	}.In("public")}
}

// A large table is filled in waves with mostly HOT updates, so its size does not double.
func TestLargeTableIsFilledInWaves(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createSite(t, c)
		files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
		if err != nil {
			t.Fatal(err)
		}
		text := files[0].Text
		if byKey := strings.Contains(text, "key => 'id'"); byKey != (h.query("SELECT current_setting('server_version_num')::int < 140000") == "true") {
			t.Errorf("ranges by key: %v", byKey)
		}
		if !strings.Contains(text, "waves => ARRAY[") || strings.Count(text, "waves => ARRAY[1024]") != 1 {
			t.Error("the large table is not filled in waves")
		}
		pages := "SELECT pg_relation_size('keyed') / 8192"
		before := h.query(pages)
		h.mustPsql(text)
		if got := h.query("SELECT count(*) = 12002 AND count(DISTINCT uuid) = 12002 FROM keyed"); got != "true" {
			t.Error("not every row of keyed has its own uuid")
		}
		if got := h.query("SELECT count(*) = 3000 AND count(DISTINCT uuid) = 3000 FROM keyless"); got != "true" {
			t.Error("not every row of keyless has its own uuid")
		}
		if got := h.query(pages + " < 1.6 * " + before); got != "true" {
			t.Errorf("the table grew from %s to %s pages", before, h.query(pages))
		}
		if _, err := rekeytest.Verify(t.Context(), h.pool, config); err != nil {
			t.Error(err)
		}
	})
}

// changedDatabases returns changes after which a script must refuse to run.
func changedDatabases() map[string]struct{ made, want string } {
	return map[string]struct{ made, want string }{
		"another version":            {"COMMENT ON TABLE kit IS '41'", "the version recorded on \"public\".\"kit\" is 41, but the script was made for 39 or 40"},
		"no version":                 {"COMMENT ON TABLE kit IS NULL", "is none, but the script was made for"},
		"another schema":             {"DROP TABLE kit", `table "public"."kit" does not exist`},
		"a dropped table":            {"DROP TABLE keyless", `table "public"."keyless" no longer exists`},
		"a new column":               {"ALTER TABLE keyed ADD uuid uuid", `"public"."keyed" now has a column of that name`},
		"a column with another type": {"ALTER TABLE keyed ADD uuid text", "with another type"},
		"a view in place of a table": {"DROP TABLE keyless; CREATE VIEW keyless AS SELECT 1", "is not an ordinary table"},
		"a new table":                {"CREATE TABLE later (id int)", `table "public"."later" exists now`},
		"another function":           {"CREATE FUNCTION uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'", "the function that the default calls has changed"},
		"rekey is running":           {"CREATE SCHEMA rekey; CREATE TABLE rekey.leases AS SELECT 'public' AS scope, clock_timestamp() + interval '1 hour' AS heartbeat", "rekey is running in this schema"},
		"another script is running":  {"", "another session is running a script"},
	}
}

// A script that is run on a changed database reports the difference and changes nothing.
func TestScriptRefusesChangedDatabase(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, fault := range changedDatabases() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, config := createSmallSite(t, c)
				files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
				if err != nil {
					t.Fatal(err)
				}
				if fault.made == "" {
					h.hold("SELECT pg_try_advisory_lock(hashtext('rekey script'), hashtext('public'))")
				} else {
					h.exec(fault.made)
				}
				before := strings.Join(h.fingerprint(), "\n")
				output, err := h.psql(files[0].Text)
				if err == nil || !strings.Contains(output, fault.want) {
					t.Errorf("%v: %s", err, output)
				}
				if strings.Join(h.fingerprint(), "\n") != before {
					t.Error("the script changed the database")
				}
			})
		}
	})
}

// Batches that a smaller size does not make faster do not shrink further.
func TestSlowBatchesDoNotShrink(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createSmallSite(t, c)
		config.Options.Permissions.FireTriggers = true
		h.exec(`CREATE SEQUENCE fired; ALTER TABLE keyed ADD note text; INSERT INTO keyed SELECT g, repeat('x', 300) FROM generate_series(51, 3000) g;
			CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''public.fired''), pg_sleep(0.11); RETURN NULL; END';
			CREATE TRIGGER slow BEFORE UPDATE ON keyed FOR EACH STATEMENT EXECUTE FUNCTION slow(); ALTER TABLE keyed ENABLE ALWAYS TRIGGER slow`)
		files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
		if err != nil {
			t.Fatal(err)
		}
		h.mustPsql(files[0].Text)
		if fired, err := strconv.Atoi(h.query("SELECT last_value FROM fired")); err != nil || fired > 60 {
			t.Errorf("%d batches of 110 ms each for 3,000 rows: %v", fired, err)
		}
	})
}

// createSmallSite creates a site whose tables have a few rows.
func createSmallSite(t *testing.T, c *server.Cluster) (*database, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.exec(`CREATE TABLE kit (); COMMENT ON TABLE kit IS '39'; CREATE TABLE keyed (id bigint PRIMARY KEY); CREATE TABLE keyless (name text);
		INSERT INTO keyed SELECT generate_series(1, 50); INSERT INTO keyless VALUES ('x'), ('y')`)
	return h, rekeytest.Setup{Scope: rekey.Profile{
		Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
		Tables: []rekey.ProfileTable{{Name: "keyed"}, {Name: "keyless"}, {Name: "later"}},
	}.In("public"), Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
}

// An object that depends on the column and was created after the down script was made is not dropped with the column.
func TestDownKeepsDependentObjects(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createSmallSite(t, c)
		if _, err := rekeytest.Up(t.Context(), h.pool, config); err != nil {
			t.Fatal(err)
		}
		config.Direction = rekey.Down
		files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
		if err != nil {
			t.Fatal(err)
		}
		h.exec("CREATE INDEX dependent ON keyed (id, uuid)")
		output, err := h.psql(files[0].Text)
		if err == nil || !strings.Contains(output, "other objects depend on the column: index public.dependent") {
			t.Errorf("%v: %s", err, output)
		}
		h.exec("DROP INDEX dependent")
		h.mustPsql(files[0].Text)
		if got := h.query("SELECT count(*) FROM pg_attribute WHERE attname = 'uuid' AND attrelid = 'keyed'::regclass"); got != "0" {
			t.Error("the column still exists")
		}
	})
}

// Names may contain any character: psql runs no line of a name, in a comment or in a statement.
func TestNamesWithSpecialCharacters(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const schema, table = "a\n\\q ' :x $rekey$", "b\n; DROP TABLE kit; --\\! \" :'x'"
		h := open(t, c, "public")
		h.prefix = schema
		h.exec(h.on("CREATE SCHEMA "+sqltext.Ident(schema)+"; CREATE TABLE %s (); COMMENT ON TABLE %s IS '39'", "kit") +
			h.on("; CREATE TABLE %s (id int PRIMARY KEY); INSERT INTO %s VALUES (1), (2)", table))
		config := rekeytest.Setup{Scope: rekey.Profile{
			Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
			Tables: []rekey.ProfileTable{{Name: table}},
		}.In(schema)}
		for _, version := range []int{40, 39} {
			config.Direction = map[int]rekey.Direction{40: rekey.Up, 39: rekey.Down}[version]
			files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
			if err != nil {
				t.Fatal(err)
			}
			h.mustPsql(files[0].Text)
			if got := h.query("SELECT obj_description(" + sqltext.Literal(sqltext.Qualified(schema, "kit")) + "::regclass)"); got != strconv.Itoa(version) {
				t.Errorf("recorded version %s, want %d", got, version)
			}
		}
	})
}

// A role that owns the tables and may create in the database is sufficient, for psql and for a migrator.
func TestOwnerNeedsNoOtherPrivileges(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createSmallSite(t, c)
		h.exec("CREATE ROLE plain LOGIN; GRANT CREATE ON SCHEMA public TO plain; ALTER TABLE kit OWNER TO plain; ALTER TABLE keyed OWNER TO plain;" +
			"ALTER TABLE keyless OWNER TO plain; GRANT CREATE ON DATABASE " + sqltext.Ident(h.query("SELECT current_database()")) + " TO plain")
		t.Cleanup(func() {
			h.exec("REASSIGN OWNED BY plain TO CURRENT_USER; DROP OWNED BY plain; DROP ROLE plain")
		})
		h.url = strings.Replace(h.url, "//postgres@", "//plain@", 1)
		for _, format := range []rekey.ScriptFormat{rekey.ScriptPsql, rekey.ScriptMigrate} {
			files, err := rekeytest.Script(t.Context(), h.pool, config, format)
			if err != nil {
				t.Fatal(err)
			}
			if format == rekey.ScriptMigrate {
				up, _ := migrations(t, files)
				h.execTwice(up)
				continue
			}
			h.mustPsql(files[0].Text)
			config.Direction = rekey.Down
			if files, err = rekeytest.Script(t.Context(), h.pool, config, format); err != nil {
				t.Fatal(err)
			}
			h.mustPsql(files[0].Text)
			config.Direction = rekey.Up
		}
		if _, err := rekeytest.Verify(t.Context(), h.pool, config); err != nil {
			t.Error(err)
		}
	})
}
