package script_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// lent is a table of a role whose function raises an error where another role runs it.
const lent = `DO $$BEGIN CREATE ROLE script_owner LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
	CREATE SCHEMA app; CREATE TABLE app.base (id bigserial PRIMARY KEY, note text DEFAULT 'x'); INSERT INTO app.base SELECT FROM generate_series(1, 5);
	CREATE FUNCTION app.ran(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF current_user = 'script_owner' THEN RETURN true; END IF; RAISE EXCEPTION 'it ran'; END$$;
	ALTER TABLE app.base OWNER TO script_owner; ALTER SCHEMA app OWNER TO script_owner; ALTER FUNCTION app.ran(text) OWNER TO script_owner;`

// TestScriptsKeepToTheirRights: a script stops before its first change where it would run code of the tables' owner with rights
// that he has not: he has added it since, or another role runs the script than the one that it was made as.
func TestScriptsKeepToTheirRights(t *testing.T) {
	const add = "SET ROLE script_owner; ALTER TABLE app.base ADD CHECK (app.ran(note)); RESET ROLE"
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, test := range map[string]struct {
			before, after string // the script was made
			asOwner       bool   // it was made as
			trusts        []string
			says          string
		}{
			"no code":                     {},
			"code that came since":        {after: add, says: "function app.ran(text) of script_owner"},
			"made as the owner":           {before: add, asOwner: true, says: "would run as postgres"},
			"a text, made as the owner":   {before: "ALTER TABLE app.base ADD CHECK (query_to_xml('select app.ran(''x'')', true, false, '') IS NOT NULL) NOT VALID; ALTER TABLE app.base VALIDATE CONSTRAINT base_check", asOwner: true, says: "query_to_xml"},
			"an update rule, made before": {after: "CREATE RULE r AS ON UPDATE TO app.base DO ALSO SELECT app.ran('x')", says: "rule r"},
			"code that is trusted": {
				before: add + "; CREATE OR REPLACE FUNCTION app.ran(t text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'", trusts: []string{"script_owner"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := open(t, c, "app")
				h.do(lent)
				h.do("GRANT CREATE ON DATABASE " + h.one("quote_ident(current_database())") + " TO script_owner")
				if strings.Contains(test.before, "query_to_xml") {
					h.do("ALTER FUNCTION app.ran(text) RENAME TO away; CREATE FUNCTION app.ran(t text) RETURNS bool LANGUAGE sql AS 'SELECT true'")
				}
				if test.before != "" {
					h.do(test.before)
				}
				maker := h
				if test.asOwner {
					maker = &house{t: t, pool: servertest.Pool(t, strings.Replace(h.url, "postgres@", "script_owner@", 1))}
				}
				script := maker.written(rekeytest.Setup{Scope: rekey.Schema{Name: "app"}, Options: rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: test.trusts}}}, rekey.ScriptPsql)[0].Text
				if test.after != "" {
					h.do(test.after)
				}
				said, err := h.psql(script)
				if (err != nil) != (test.says != "") || !strings.Contains(said, test.says) || strings.Contains(said, "it ran") {
					t.Errorf("psql: %v\n%s", err, said)
				}
				want := "0"
				if test.says == "" {
					want = "5"
				}
				if got := h.one("SELECT CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'app.base'::regclass AND attname = 'uuid') THEN 5 ELSE 0 END"); got != want {
					t.Errorf("%s of %s", got, want)
				}
			})
		}
	})
}
