package script_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// ownerCode creates a table whose owner has a function that raises an error if another role runs it.
const ownerCode = `DO $$BEGIN CREATE ROLE script_owner LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
	CREATE SCHEMA app; CREATE TABLE app.base (id bigserial PRIMARY KEY, note text DEFAULT 'x'); INSERT INTO app.base SELECT FROM generate_series(1, 5);
	CREATE FUNCTION app.ran(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF current_user = 'script_owner' THEN RETURN true; END IF; RAISE EXCEPTION 'the function ran'; END$$;
	ALTER TABLE app.base OWNER TO script_owner; ALTER SCHEMA app OWNER TO script_owner; ALTER FUNCTION app.ran(text) OWNER TO script_owner;`

// A script stops before its first change if it would run code of the tables' owner with privileges that the owner does
// not have: because the owner added the code after the script was made, or because another role runs the script.
func TestScriptRefusesCodeOfOthers(t *testing.T) {
	const add = "SET ROLE script_owner; ALTER TABLE app.base ADD CHECK (app.ran(note)); RESET ROLE"
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, test := range map[string]struct {
			before, after string // making the script
			asOwner       bool   // made by the tables' owner
			trusts        []string
			refused       string
		}{
			"no code":                          {},
			"code added later":                 {after: add, refused: "function app.ran(text) of script_owner"},
			"made as the owner":                {before: add, asOwner: true, refused: "would run as postgres"},
			"executed text, made as the owner": {before: "ALTER TABLE app.base ADD CHECK (query_to_xml('select app.ran(''x'')', true, false, '') IS NOT NULL) NOT VALID; ALTER TABLE app.base VALIDATE CONSTRAINT base_check", asOwner: true, refused: "query_to_xml"},
			"an update rule added later":       {after: "CREATE RULE r AS ON UPDATE TO app.base DO ALSO SELECT app.ran('x')", refused: "rule r"},
			"trusted code": {
				before: add + "; CREATE OR REPLACE FUNCTION app.ran(t text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'", trusts: []string{"script_owner"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := open(t, c, "app")
				h.exec(ownerCode)
				h.exec("GRANT CREATE ON DATABASE " + h.query("quote_ident(current_database())") + " TO script_owner")
				if strings.Contains(test.before, "query_to_xml") {
					h.exec("ALTER FUNCTION app.ran(text) RENAME TO away; CREATE FUNCTION app.ran(t text) RETURNS bool LANGUAGE sql AS 'SELECT true'")
				}
				if test.before != "" {
					h.exec(test.before)
				}
				maker := h
				if test.asOwner {
					maker = &database{t: t, pool: servertest.Pool(t, strings.Replace(h.url, "postgres@", "script_owner@", 1))}
				}
				script := maker.scriptFiles(rekeytest.Setup{Scope: rekey.Schema{Name: "app"}, Options: rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: test.trusts}}}, rekey.ScriptPsql)[0].Text
				if test.after != "" {
					h.exec(test.after)
				}
				output, err := h.psql(script)
				if (err != nil) != (test.refused != "") || !strings.Contains(output, test.refused) || strings.Contains(output, "the function ran") {
					t.Errorf("psql: %v\n%s", err, output)
				}
				want := "0"
				if test.refused == "" {
					want = "5"
				}
				if got := h.query("SELECT CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'app.base'::regclass AND attname = 'uuid') THEN 5 ELSE 0 END"); got != want {
					t.Errorf("%s rows changed, want %s", got, want)
				}
			})
		}
	})
}
