package condition

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

func TestEdgeConditions(t *testing.T) {
	child, function := sqltext.Table{Schema: "my app", Name: "o'rders"}, sqltext.Table{Schema: "app", Name: "f"}
	const regclass, procedure = `to_regclass('"my app"."o''rders"')`, `to_regprocedure('"app"."f"()')`
	triggers := []Trigger{{Name: "~a'", Type: 7}, {Name: "~b", Type: 21, Deferred: true}}
	const rows = "(('~a''', 7, false), ('~b', 21, true))"
	const calls = " AND t.tgenabled::text = 'O' AND t.tgfoid = " + procedure + " AND cardinality(t.tgattr::int2[]) = 0) <> 2)"
	const source = "EXISTS (SELECT FROM pg_proc f WHERE f.oid = " + procedure +
		" AND md5(convert_to(f.prosrc, 'UTF8')) = 'digest' AND f.prosecdef AND f.provolatile = 'v' AND f.proconfig = ARRAY['search_path=pg_catalog, pg_temp']"
	const private = " AND NOT EXISTS (SELECT FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) g WHERE g.grantee = 0))"
	for name, c := range map[string]struct{ got, want string }{
		"triggers": {
			HasTriggers(child, []string{"~a'", "~b"}, "OA"),
			"(SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = " + regclass + " AND t.tgname IN ('~a''', '~b') AND strpos('OA', t.tgenabled::text) > 0) = 2",
		},
		"calls": {
			TriggersCall(child, false, function, "O", triggers),
			"NOT EXISTS (WITH tree (relation) AS (SELECT " + regclass + "::oid)\n    SELECT FROM tree WHERE (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = tree.relation" +
				" AND (t.tgname::text, t.tgtype::int, t.tginitdeferred) IN " + rows + calls,
		},
		"function":  {TriggerFunctionIs(function, "digest", ""), source + private},
		"its owner": {TriggerFunctionIs(function, "digest", "o'x"), source + " AND pg_get_userbyid(f.proowner) = 'o''x'" + private},
	} {
		if c.got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, c.got, c.want)
		}
	}
	below := TriggersCall(child, true, function, "O", triggers)
	if !strings.HasPrefix(below, "NOT EXISTS (WITH RECURSIVE") || !strings.HasSuffix(below, calls) || !strings.Contains(below, "pg_inherits") {
		t.Error(below)
	}
}

func TestEdgeChecks(t *testing.T) {
	orders := sqltext.Table{Schema: "app", Name: "orders"}
	but, plain := DependentsBut(orders, "p_uuid", []string{"~a'", "~b"}), Dependents(orders, "p_uuid")
	const except = "\n      AND NOT EXISTS (SELECT FROM pg_trigger t WHERE d.classid = 'pg_trigger'::regclass AND t.oid = d.objid AND t.tgname IN ('~a''', '~b'))"
	if strings.Replace(but, except, "", 1) != plain || but == plain {
		t.Error(but)
	}
	sql := Require("app.c.p_id", []Fact{{Holds: "a", Wrong: "it's gone"}, {Holds: "b", Wrong: "x"}}, "up")
	for _, want := range []string{"('it''s gone', a)", "('x', b)", "'app.c.p_id'", "rekey sql up"} {
		if !strings.Contains(sql, want) {
			t.Errorf("no %s in\n%s", want, sql)
		}
	}
	if strings.Contains(sql, "{") {
		t.Errorf("a name has no value in\n%s", sql)
	}
}
