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

// mallory is a role of no rights, and functions of its own that tell a superuser that they ran, even where what
// called them is rolled back: a sequence keeps its number.
const mallory = `DO $$BEGIN CREATE ROLE script_mallory; CREATE ROLE "script owner"; CREATE ROLE "o'er"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
	CREATE SCHEMA evil; CREATE SEQUENCE evil.ran; GRANT USAGE ON SCHEMA evil TO PUBLIC; GRANT USAGE ON SEQUENCE evil.ran TO PUBLIC;
	CREATE FUNCTION evil.tell(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
		IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN PERFORM nextval('evil.ran'); END IF; RETURN true; END$$;
	ALTER FUNCTION evil.tell(text) OWNER TO script_mallory; ALTER SCHEMA evil OWNER TO script_mallory;
	GRANT CREATE, USAGE ON SCHEMA public TO "script owner";
	SET check_function_bodies = off; `

// planted are what a script must not run, each with what it says of it.
func planted() map[string]struct{ setup, psql, migrator string } {
	return map[string]struct{ setup, psql, migrator string }{
		"a view in place of the leases": {
			`CREATE SCHEMA rekey; GRANT USAGE ON SCHEMA rekey TO PUBLIC;
		CREATE VIEW rekey.leases AS SELECT 'x' AS scope, now() AS heartbeat WHERE evil.tell('x'); ALTER VIEW rekey.leases OWNER TO script_mallory; GRANT SELECT ON rekey.leases TO PUBLIC`,
			"rekey.leases belongs to script_mallory, whose code does not run as", "",
		},
		"a view of our own": {
			`CREATE SCHEMA rekey; CREATE VIEW rekey.leases AS SELECT 'x' AS scope, now() AS heartbeat WHERE evil.tell('x')`,
			"is not the journal's: it is not an ordinary table", "",
		},
		"a schema of another": {`CREATE SCHEMA rekey AUTHORIZATION script_mallory`, "schema rekey belongs to script_mallory, whose code does not run as", ""},
		"a procedure": {
			`CREATE SCHEMA rekey; CREATE PROCEDURE rekey.rekey_change(target text, exclusive boolean, needed text, VARIADIC statements text[]) LANGUAGE plpgsql AS $$BEGIN PERFORM evil.tell('x'); END$$;
		ALTER PROCEDURE rekey.rekey_change OWNER TO script_mallory`,
			"belongs to script_mallory, whose code does not run as", "",
		},
		"a right to make a procedure": {
			`CREATE SCHEMA rekey; GRANT CREATE ON SCHEMA rekey TO script_mallory`, "-", "script_mallory may create in schema rekey",
		},
		"a foreign function, text unknown": {
			`CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$SELECT pg_catalog.gen_random_uuid() WHERE evil.tell('x')$$; ALTER FUNCTION public.uuid_generate_v7() OWNER TO script_mallory`,
			"function public.uuid_generate_v7() belongs to script_mallory, whose code does not run as", "",
		},
		"a foreign function, our text": {
			`CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$SELECT {expression}$f$; ALTER FUNCTION public.uuid_generate_v7() OWNER TO script_mallory`,
			"function public.uuid_generate_v7() belongs to script_mallory, whose code does not run as", "",
		},
		"a check of the tables' owner": {
			owned + `ALTER TABLE phoenix_kit_users ADD CONSTRAINT present CHECK (public.own(email::text)) NOT VALID; RESET ROLE`,
			`function public.own(text) of script owner would run as`, "",
		},
		"an index of the tables' owner": {
			owned + `CREATE INDEX ON phoenix_kit_users (public.own(email::text)); RESET ROLE`, `function public.own(text) of script owner would run as`, "",
		},
		"a trigger of the tables' owner": {
			owned + `CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM evil.tell('x'); RETURN NEW; END$$;
		CREATE TRIGGER fire BEFORE UPDATE ON phoenix_kit_users FOR EACH ROW EXECUTE FUNCTION public.fire(); ALTER TABLE phoenix_kit_users ENABLE ALWAYS TRIGGER fire; RESET ROLE`,
			`function public.fire() of script owner would run as`, "",
		},
		"a text that a check executes": {
			owned + `ALTER TABLE phoenix_kit_users ADD CHECK (query_to_xml('select evil.tell(''x'')', true, false, '') IS NOT NULL) NOT VALID; RESET ROLE`,
			"it may execute a text. SET ROLE is no barrier", "",
		},
	}
}

const owned = `ALTER TABLE phoenix_kit_users OWNER TO "script owner"; SET ROLE "script owner";
	CREATE FUNCTION public.own(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.tell(t); END$$; `

// A script that was made before refuses what was planted after, and runs nothing of it.
func TestScriptsRunNobodysCode(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, test := range planted() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := build(t, c, "public", false)
				script := h.script(40)
				up, _ := migrations(t, h.files(40, rekey.ScriptMigrate))
				h.do(mallory + strings.ReplaceAll(test.setup, "{expression}", step.Expression(c.Major)))
				before, ran := h.everything(), h.one("SELECT is_called FROM evil.ran")
				if ran != "false" {
					t.Fatal("it ran before")
				}
				want := test.migrator
				if want == "" {
					want = test.psql
				}
				if said := refusal(t, h.each(up), "42501"); !strings.Contains(said, want) {
					t.Errorf("migrator: %s", said)
				}
				switch said, err := h.psql(script); {
				case test.psql == "-":
					if err != nil {
						t.Errorf("psql: %v: %s", err, said)
					}
					return
				case err == nil || !strings.Contains(said, test.psql) || !strings.Contains(said, "HINT:"):
					t.Errorf("psql: %v: %s", err, said)
				default:
					t.Log(said)
				}
				if h.one("SELECT is_called FROM evil.ran") != "false" {
					t.Error("it ran")
				}
				if diff := cmp.Diff(before, h.everything()); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// What a named owner has is no reason to refuse; neither is a check that calls harmless functions, or a function
// of the tables' own owner.
func TestScriptsTrustTheNamed(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, setup := range map[string]string{
			"a journal":    `CREATE SCHEMA rekey AUTHORIZATION "script owner"`,
			"a right":      `CREATE SCHEMA rekey; GRANT CREATE ON SCHEMA rekey TO "script owner"`,
			"a check":      `ALTER TABLE phoenix_kit_users OWNER TO "script owner"; SET ROLE "script owner"; CREATE FUNCTION public.own(t text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'; ALTER TABLE phoenix_kit_users ADD CHECK (public.own(email::text)); RESET ROLE`,
			"a function":   `CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$SELECT ` + step.Expression(c.Major) + `$f$; ALTER FUNCTION public.uuid_generate_v7() OWNER TO "script owner"`,
			"harmless":     `ALTER TABLE phoenix_kit_users OWNER TO "script owner"; SET ROLE "script owner"; ALTER TABLE phoenix_kit_users ADD CHECK (length(lower(email::text)) < 9999); RESET ROLE`,
			"our own code": `CREATE FUNCTION public.own(t text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'; ALTER TABLE phoenix_kit_users ADD CHECK (public.own(email::text)); ALTER TABLE phoenix_kit_users OWNER TO "script owner"`,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for _, format := range []rekey.ScriptFormat{rekey.ScriptPsql, rekey.ScriptMigrate} {
					h := build(t, c, "public", false)
					config := h.config(40)
					config.Options.Permissions.TrustOwners = []string{"o'er", "script owner"}
					h.do(mallory)
					files, err := rekeytest.Script(t.Context(), h.pool, config, format)
					if err != nil {
						t.Fatal(err)
					}
					h.do(setup)
					if format == rekey.ScriptPsql {
						h.mustPsql(files[0].Text)
						continue
					}
					up, _ := migrations(t, files)
					if err := h.each(up); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	})
}

// An own function that one statement would get one value of is replaced, also where it became so after the script
// was made; a script that does not replace it refuses it.
func TestScriptsReplaceAnImmutableFunction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const volatile = "SELECT provolatile FROM pg_proc WHERE oid = 'public.uuid_generate_v7()'::regprocedure"
		const immutable = "ALTER FUNCTION public.uuid_generate_v7() IMMUTABLE STRICT SET work_mem = '4MB'"
		ours := "CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$SELECT " + step.Expression(c.Major) + "$f$; "
		h := build(t, c, "public", false)
		script := h.script(40)
		h.do(ours + immutable)
		h.mustPsql(script)
		if got := h.one(volatile); got != "v" {
			t.Errorf("psql: it is %s", got)
		}
		h.verified()

		h = build(t, c, "public", false)
		h.do(ours + immutable)
		up, _ := migrations(t, h.files(40, rekey.ScriptMigrate))
		if err := h.each(up); err != nil {
			t.Fatal(err)
		}
		if got := h.one(volatile); got != "v" {
			t.Errorf("migrator: it is %s", got)
		}
		h.verified()

		h = build(t, c, "public", false)
		h.do(ours)
		script = h.script(40)
		h.do(immutable)
		if said, err := h.psql(script); err == nil || !strings.Contains(said, "another function of the name") {
			t.Errorf("%v: %s", err, said)
		}
	})
}
