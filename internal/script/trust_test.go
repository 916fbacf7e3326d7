package script_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// malloryRole creates a role without privileges, and functions of it that record when a superuser runs them, even in a
// transaction that is rolled back: a sequence keeps its number.
const malloryRole = `DO $$BEGIN CREATE ROLE script_mallory; CREATE ROLE "script owner"; CREATE ROLE "o'er"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
	CREATE SCHEMA evil; CREATE SEQUENCE evil.ran; GRANT USAGE ON SCHEMA evil TO PUBLIC; GRANT USAGE ON SEQUENCE evil.ran TO PUBLIC;
	CREATE FUNCTION evil.record(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
		IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN PERFORM nextval('evil.ran'); END IF; RETURN true; END$$;
	ALTER FUNCTION evil.record(text) OWNER TO script_mallory; ALTER SCHEMA evil OWNER TO script_mallory;
	GRANT CREATE, USAGE ON SCHEMA public TO "script owner";
	SET check_function_bodies = off; `

// attacks returns code that a script must not run, each with the expected message.
func attacks() map[string]struct{ setup, psql, migrator string } {
	return map[string]struct{ setup, psql, migrator string }{
		"a view in place of the leases": {
			`CREATE SCHEMA rekey; GRANT USAGE ON SCHEMA rekey TO PUBLIC;
		CREATE VIEW rekey.leases AS SELECT 'x' AS scope, now() AS heartbeat WHERE evil.record('x'); ALTER VIEW rekey.leases OWNER TO script_mallory; GRANT SELECT ON rekey.leases TO PUBLIC`,
			"rekey.leases belongs to script_mallory, which", "",
		},
		"a view of the role itself": {
			`CREATE SCHEMA rekey; CREATE VIEW rekey.leases AS SELECT 'x' AS scope, now() AS heartbeat WHERE evil.record('x')`,
			"is not part of the journal: it is not an ordinary table", "",
		},
		"a schema of another role": {`CREATE SCHEMA rekey AUTHORIZATION script_mallory`, "schema rekey belongs to script_mallory, which", ""},
		"a procedure": {
			`CREATE SCHEMA rekey; CREATE PROCEDURE rekey.rekey_change(target text, exclusive boolean, needed text, VARIADIC statements text[]) LANGUAGE plpgsql AS $$BEGIN PERFORM evil.record('x'); END$$;
		ALTER PROCEDURE rekey.rekey_change OWNER TO script_mallory`,
			"belongs to script_mallory, which", "",
		},
		"the CREATE privilege": {
			`CREATE SCHEMA rekey; GRANT CREATE ON SCHEMA rekey TO script_mallory`, "-", "script_mallory has the CREATE privilege on schema rekey",
		},
		"another role's function with another text": {
			`CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$SELECT pg_catalog.gen_random_uuid() WHERE evil.record('x')$$; ALTER FUNCTION public.uuid_generate_v7() OWNER TO script_mallory`,
			"function public.uuid_generate_v7() belongs to script_mallory, which", "",
		},
		"another role's function with rekey's text": {
			`CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$SELECT {expression}$f$; ALTER FUNCTION public.uuid_generate_v7() OWNER TO script_mallory`,
			"function public.uuid_generate_v7() belongs to script_mallory, which", "",
		},
		"a check of the tables' owner": {
			ownedCode + `ALTER TABLE phoenix_kit_users ADD CONSTRAINT present CHECK (public.own(email::text)) NOT VALID; RESET ROLE`,
			`function public.own(text) of script owner would run as`, "",
		},
		"an index of the tables' owner": {
			ownedCode + `CREATE INDEX ON phoenix_kit_users (public.own(email::text)); RESET ROLE`, `function public.own(text) of script owner would run as`, "",
		},
		"a trigger of the tables' owner": {
			ownedCode + `CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM evil.record('x'); RETURN NEW; END$$;
		CREATE TRIGGER fire BEFORE UPDATE ON phoenix_kit_users FOR EACH ROW EXECUTE FUNCTION public.fire(); ALTER TABLE phoenix_kit_users ENABLE ALWAYS TRIGGER fire; RESET ROLE`,
			`function public.fire() of script owner would run as`, "",
		},
		"a check that executes a text": {
			ownedCode + `ALTER TABLE phoenix_kit_users ADD CHECK (query_to_xml('select evil.record(''x'')', true, false, '') IS NOT NULL) NOT VALID; RESET ROLE`,
			"it may execute a text. SET ROLE does not prevent it", "",
		},
	}
}

const ownedCode = `ALTER TABLE phoenix_kit_users OWNER TO "script owner"; SET ROLE "script owner";
	CREATE FUNCTION public.own(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.record(t); END$$; `

// A script refuses code that was added after it was made, and runs none of it.
func TestScriptRunsNoPlantedCode(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, test := range attacks() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := build(t, c, "public", false)
				script := h.script(40)
				up, _ := migrations(t, h.files(40, rekey.ScriptMigrate))
				h.exec(malloryRole + strings.ReplaceAll(test.setup, "{expression}", step.Expression(c.Major)))
				before, ran := h.fingerprint(), h.query("SELECT is_called FROM evil.ran")
				if ran != "false" {
					t.Fatal("the function ran before the script")
				}
				want := test.migrator
				if want == "" {
					want = test.psql
				}
				if output := requireError(t, h.execEach(up), "42501"); !strings.Contains(output, want) {
					t.Errorf("migrator: %s", output)
				}
				switch output, err := h.psql(script); {
				case test.psql == "-":
					if err != nil {
						t.Errorf("psql: %v: %s", err, output)
					}
					return
				case err == nil || !strings.Contains(output, test.psql) || !strings.Contains(output, "HINT:"):
					t.Errorf("psql: %v: %s", err, output)
				default:
					t.Log(output)
				}
				if h.query("SELECT is_called FROM evil.ran") != "false" {
					t.Error("the function ran")
				}
				if diff := cmp.Diff(before, h.fingerprint()); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// A script accepts objects of a role named with --trust-owner, a check that calls harmless functions, and a function of
// the tables' owner.
func TestScriptTrustsNamedOwners(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, setup := range map[string]string{
			"a journal":           `CREATE SCHEMA rekey AUTHORIZATION "script owner"`,
			"a privilege":         `CREATE SCHEMA rekey; GRANT CREATE ON SCHEMA rekey TO "script owner"`,
			"a check":             `ALTER TABLE phoenix_kit_users OWNER TO "script owner"; SET ROLE "script owner"; CREATE FUNCTION public.own(t text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'; ALTER TABLE phoenix_kit_users ADD CHECK (public.own(email::text)); RESET ROLE`,
			"a function":          `CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$SELECT ` + step.Expression(c.Major) + `$f$; ALTER FUNCTION public.uuid_generate_v7() OWNER TO "script owner"`,
			"harmless functions":  `ALTER TABLE phoenix_kit_users OWNER TO "script owner"; SET ROLE "script owner"; ALTER TABLE phoenix_kit_users ADD CHECK (length(lower(email::text)) < 9999); RESET ROLE`,
			"the role's own code": `CREATE FUNCTION public.own(t text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'; ALTER TABLE phoenix_kit_users ADD CHECK (public.own(email::text)); ALTER TABLE phoenix_kit_users OWNER TO "script owner"`,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for _, format := range []rekey.ScriptFormat{rekey.ScriptPsql, rekey.ScriptMigrate} {
					h := build(t, c, "public", false)
					config := h.config(40)
					config.Options.Permissions.TrustOwners = []string{"o'er", "script owner"}
					h.exec(malloryRole)
					files, err := rekeytest.Script(t.Context(), h.pool, config, format)
					if err != nil {
						t.Fatal(err)
					}
					h.exec(setup)
					if format == rekey.ScriptPsql {
						h.mustPsql(files[0].Text)
						continue
					}
					up, _ := migrations(t, files)
					if err := h.execEach(up); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	})
}

// A script replaces its own function if it is not volatile, also if it was changed after the script was made. A script
// that does not replace the function refuses it.
func TestScriptReplacesImmutableFunction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const volatile = "SELECT provolatile FROM pg_proc WHERE oid = 'public.uuid_generate_v7()'::regprocedure"
		const immutable = "ALTER FUNCTION public.uuid_generate_v7() IMMUTABLE STRICT SET work_mem = '4MB'"
		ours := "CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$SELECT " + step.Expression(c.Major) + "$f$; "
		h := build(t, c, "public", false)
		script := h.script(40)
		h.exec(ours + immutable)
		h.mustPsql(script)
		if got := h.query(volatile); got != "v" {
			t.Errorf("psql: provolatile is %s", got)
		}
		h.verified()

		h = build(t, c, "public", false)
		h.exec(ours + immutable)
		up, _ := migrations(t, h.files(40, rekey.ScriptMigrate))
		if err := h.execEach(up); err != nil {
			t.Fatal(err)
		}
		if got := h.query(volatile); got != "v" {
			t.Errorf("migrator: provolatile is %s", got)
		}
		h.verified()

		h = build(t, c, "public", false)
		h.exec(ours)
		script = h.script(40)
		h.exec(immutable)
		if output, err := h.psql(script); err == nil || !strings.Contains(output, "the function that the default calls has changed") {
			t.Errorf("%v: %s", err, output)
		}
	})
}
