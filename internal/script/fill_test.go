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

// site is a kit of two tables that are large enough for waves, one of them without an integer key.
func site(t *testing.T, c *server.Cluster) (*house, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.do(`CREATE TABLE kit (); COMMENT ON TABLE kit IS '39';
		CREATE TABLE keyed (id bigint PRIMARY KEY, note text) WITH (autovacuum_enabled = off);
		INSERT INTO keyed SELECT n * 7 - 100000, repeat('x', 400) FROM generate_series(1, 12000) n;
		INSERT INTO keyed VALUES (-9223372036854775808, 'least'), (9223372036854775807, 'greatest');
		CREATE TABLE keyless (name text PRIMARY KEY, note text);
		INSERT INTO keyless SELECT 'n' || n, repeat('x', 150) FROM generate_series(1, 3000) n`)
	h.do("VACUUM ANALYZE keyed")
	h.do("VACUUM ANALYZE keyless")
	return h, rekeytest.Setup{Scope: rekey.Profile{
		Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
		Tables: []rekey.ProfileTable{{Name: "keyed"}, {Name: "keyless"}},
	}.In("public")}
}

// A large table is filled in waves, most of whose updates are in place: it does not double.
func TestFillingInWaves(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := site(t, c)
		files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
		if err != nil {
			t.Fatal(err)
		}
		text := files[0].Text
		if byKey := strings.Contains(text, "key => 'id'"); byKey != (h.one("SELECT current_setting('server_version_num')::int < 140000") == "true") {
			t.Errorf("ranges of keys: %v", byKey)
		}
		if !strings.Contains(text, "waves => ARRAY[") || strings.Count(text, "waves => ARRAY[1024]") != 1 {
			t.Error("no waves on the large table")
		}
		pages := "SELECT pg_relation_size('keyed') / 8192"
		before := h.one(pages)
		h.mustPsql(text)
		if got := h.one("SELECT count(*) = 12002 AND count(DISTINCT uuid) = 12002 FROM keyed"); got != "true" {
			t.Error("not every row of keyed has a uuid of its own")
		}
		if got := h.one("SELECT count(*) = 3000 AND count(DISTINCT uuid) = 3000 FROM keyless"); got != "true" {
			t.Error("not every row of keyless has a uuid of its own")
		}
		if got := h.one(pages + " < 1.6 * " + before); got != "true" {
			t.Errorf("%s pages became %s", before, h.one(pages))
		}
		if _, err := rekeytest.Verify(t.Context(), h.pool, config); err != nil {
			t.Error(err)
		}
	})
}

// faults are databases that a script was not made for.
func faults() map[string]struct{ made, says string } {
	return map[string]struct{ made, says string }{
		"another version":           {"COMMENT ON TABLE kit IS '41'", "the version recorded on \"public\".\"kit\" is 41; this was made for 39 or 40"},
		"no version":                {"COMMENT ON TABLE kit IS NULL", "is none; this was made for"},
		"another schema":            {"DROP TABLE kit", `there is no table "public"."kit"`},
		"a table went":              {"DROP TABLE keyless", `there is no table "public"."keyless" any more`},
		"a column came":             {"ALTER TABLE keyed ADD uuid uuid", `"public"."keyed" has a column of that name now`},
		"a column of another type":  {"ALTER TABLE keyed ADD uuid text", "and another type now"},
		"a view took a table":       {"DROP TABLE keyless; CREATE VIEW keyless AS SELECT 1", "is no ordinary table"},
		"a table came":              {"CREATE TABLE later (id int)", `there is a table "public"."later" now`},
		"another function":          {"CREATE FUNCTION uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'", "another function of the name"},
		"rekey is at work":          {"CREATE SCHEMA rekey; CREATE TABLE rekey.leases AS SELECT 'public' AS scope, clock_timestamp() + interval '1 hour' AS heartbeat", "rekey itself is at work"},
		"another script is at work": {"", "another session runs a script"},
	}
}

// A script that meets another database than the one it was made for says so, and changes nothing.
func TestScriptRefusesAnotherDatabase(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, fault := range faults() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, config := small(t, c)
				files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
				if err != nil {
					t.Fatal(err)
				}
				if fault.made == "" {
					h.hold("SELECT pg_try_advisory_lock(hashtext('rekey script'), hashtext('public'))")
				} else {
					h.do(fault.made)
				}
				before := strings.Join(h.everything(), "\n")
				said, err := h.psql(files[0].Text)
				if err == nil || !strings.Contains(said, fault.says) {
					t.Errorf("%v: %s", err, said)
				}
				if strings.Join(h.everything(), "\n") != before {
					t.Error("something was changed")
				}
			})
		}
	})
}

// Batches that are slow whatever their size do not get ever smaller.
func TestFillingUnderASlowTrigger(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := small(t, c)
		config.Options.Permissions.FireTriggers = true
		h.do(`CREATE SEQUENCE fired; ALTER TABLE keyed ADD note text; INSERT INTO keyed SELECT g, repeat('x', 300) FROM generate_series(51, 3000) g;
			CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''public.fired''), pg_sleep(0.11); RETURN NULL; END';
			CREATE TRIGGER slow BEFORE UPDATE ON keyed FOR EACH STATEMENT EXECUTE FUNCTION slow(); ALTER TABLE keyed ENABLE ALWAYS TRIGGER slow`)
		files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
		if err != nil {
			t.Fatal(err)
		}
		h.mustPsql(files[0].Text)
		if fired, err := strconv.Atoi(h.one("SELECT last_value FROM fired")); err != nil || fired > 60 {
			t.Errorf("%d batches of 110 ms each for 3,000 rows: %v", fired, err)
		}
	})
}

// small is a site whose tables have a few rows.
func small(t *testing.T, c *server.Cluster) (*house, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.do(`CREATE TABLE kit (); COMMENT ON TABLE kit IS '39'; CREATE TABLE keyed (id bigint PRIMARY KEY); CREATE TABLE keyless (name text);
		INSERT INTO keyed SELECT generate_series(1, 50); INSERT INTO keyless VALUES ('x'), ('y')`)
	return h, rekeytest.Setup{Scope: rekey.Profile{
		Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
		Tables: []rekey.ProfileTable{{Name: "keyed"}, {Name: "keyless"}, {Name: "later"}},
	}.In("public"), Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
}

// What has come to hang on a column since the script of the way back was made is not dropped with it.
func TestScriptDownLeavesWhatHangsOnTheColumn(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := small(t, c)
		if _, err := rekeytest.Up(t.Context(), h.pool, config); err != nil {
			t.Fatal(err)
		}
		config.Direction = rekey.Down
		files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
		if err != nil {
			t.Fatal(err)
		}
		h.do("CREATE INDEX leaning ON keyed (id, uuid)")
		said, err := h.psql(files[0].Text)
		if err == nil || !strings.Contains(said, "something hangs on the column: index public.leaning") {
			t.Errorf("%v: %s", err, said)
		}
		h.do("DROP INDEX leaning")
		h.mustPsql(files[0].Text)
		if got := h.one("SELECT count(*) FROM pg_attribute WHERE attname = 'uuid' AND attrelid = 'keyed'::regclass"); got != "0" {
			t.Error("the column is there still")
		}
	})
}

// Names are names, whatever is in them: psql runs no line of one, neither in a comment nor in a statement.
func TestWickedNames(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const schema, table = "a\n\\q ' :x $rekey$", "b\n; DROP TABLE kit; --\\! \" :'x'"
		h := open(t, c, "public")
		h.prefix = schema
		h.do(h.on("CREATE SCHEMA "+sqltext.Ident(schema)+"; CREATE TABLE %s (); COMMENT ON TABLE %s IS '39'", "kit") +
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
			if got := h.one("SELECT obj_description(" + sqltext.Literal(sqltext.Qualified(schema, "kit")) + "::regclass)"); got != strconv.Itoa(version) {
				t.Errorf("version %s is recorded, not %d", got, version)
			}
		}
	})
}

// A role that owns the tables and may create in the database is enough, for psql and for a migrator.
func TestPlainOwner(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := small(t, c)
		h.do("CREATE ROLE plain LOGIN; GRANT CREATE ON SCHEMA public TO plain; ALTER TABLE kit OWNER TO plain; ALTER TABLE keyed OWNER TO plain;" +
			"ALTER TABLE keyless OWNER TO plain; GRANT CREATE ON DATABASE " + sqltext.Ident(h.one("SELECT current_database()")) + " TO plain")
		t.Cleanup(func() {
			h.do("REASSIGN OWNED BY plain TO CURRENT_USER; DROP OWNED BY plain; DROP ROLE plain")
		})
		h.url = strings.Replace(h.url, "//postgres@", "//plain@", 1)
		for _, format := range []rekey.ScriptFormat{rekey.ScriptPsql, rekey.ScriptMigrate} {
			files, err := rekeytest.Script(t.Context(), h.pool, config, format)
			if err != nil {
				t.Fatal(err)
			}
			if format == rekey.ScriptMigrate {
				up, _ := migrations(t, files)
				h.run(up)
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
