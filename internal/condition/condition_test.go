package condition

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

func TestConditions(t *testing.T) {
	orders := sqltext.Table{Schema: "my app", Name: "o'rders"}
	const regclass = `to_regclass('"my app"."o''rders"')`
	for _, c := range []struct{ got, want string }{
		{HasColumn(orders, "uuid"), "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = " + regclass + " AND a.attname = 'uuid' AND NOT a.attisdropped)"},
		{HasConstraint(orders, "k", "a", "b"), "EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = " + regclass + " AND p.conname = 'k' AND a AND b)"},
		{HasIndex(orders, "i"), "EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = " + regclass + " AND x.relname = 'i')"},
		{And("a", Not("b")), "a AND NOT b"},
		{Nullable(17), "NOT a.attnotnull"},
		{Nullable(18)[:19], "(NOT a.attnotnull O"},
		{CommentContains("x"), "strpos(coalesce(col_description(a.attrelid, a.attnum), ''), 'x') > 0"},
		{VersionIs(orders, 40), "btrim(obj_description(" + regclass + ", 'pg_class')) = '40'"},
		{Calls(sqltext.Table{Schema: "app", Name: "f"}, "g()"), "ARRAY[format('%I.%I()', 'app', 'f'), 'g()']"},
		{Calls(sqltext.Table{Schema: "pg_catalog", Name: "f"}), "ARRAY[format('%I()', 'f')]"},
		{IsOn([]string{"a", "b"})[strings.LastIndex(IsOn([]string{"a", "b"}), "ARRAY["):], "ARRAY['a', 'b']"},
		{HasDefault("ARRAY['x']"), "EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND pg_get_expr(d.adbin, d.adrelid) = ANY (ARRAY['x']))"},
		{Again("up"), "'Generate the script again: rekey sql up. Everything done so far is committed.'"},
		{Ordinal(0), "1"},
	} {
		if c.got != c.want {
			t.Errorf("got\n%s\nwant\n%s", c.got, c.want)
		}
	}
	if got := FunctionIs(orders, "digest"); !strings.Contains(got, "n.nspname = 'my app' AND f.proname = 'o''rders'") || !strings.Contains(got, "md5(f.prosrc) = 'digest'") {
		t.Error(got)
	}
}

// The templates of the checks have a value for each of their names.
func TestChecks(t *testing.T) {
	orders := sqltext.Table{Schema: "app", Name: "orders"}
	for name, c := range map[string]struct {
		sql  string
		want []string
	}{
		"refuse":     {Refuse(orders, "uuid", "true", " now has it", "down"), []string{`to_regclass('"app"."orders"')::oid`, "AND true", "' now has it'", "rekey sql down"}},
		"dependents": {Dependents(orders, "uuid"), []string{"a.attname = 'uuid'", "dependent_objects_still_exist"}},
		"grant":      {Grant(sqltext.Table{Schema: "app", Name: "f"}, []sqltext.Table{orders, orders}), []string{`'"app"."f"()'`, "')::oid", "'),\n"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.sql, want) {
				t.Errorf("%s: no %s in\n%s", name, want, c.sql)
			}
		}
		for _, open := range []string{"{tree}", "{column}", "{tables}", "{again}", "{function}"} {
			if strings.Contains(c.sql, open) {
				t.Errorf("%s: %s has no value", name, open)
			}
		}
	}
}
