package condition

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// HasTriggers is true if the table has all triggers, each enabled in one of the ways, which are values of tgenabled.
func HasTriggers(table sqltext.Table, names []string, enabled string) string {
	return hasTriggers(Regclass(table), names, enabled)
}

func hasTriggers(relation string, names []string, enabled string) string {
	return fmt.Sprintf("(SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = %s AND t.tgname IN (%s) AND strpos(%s, t.tgenabled::text) > 0) = %d",
		relation, literals(names), sqltext.Literal(enabled), len(names))
}

// Trigger is a trigger without a list of columns: its name, pg_trigger.tgtype, and whether it is INITIALLY DEFERRED.
type Trigger struct {
	Name     string
	Type     int
	Deferred bool
}

// TriggersCall is true if the table, and with below every table below it, has all triggers, enabled in this way, and each
// calls the function without arguments.
func TriggersCall(table sqltext.Table, below bool, function sqltext.Table, enabled string, triggers []Trigger) string {
	relations := "WITH tree (relation) AS (SELECT " + Regclass(table) + "::oid)\n    "
	if below {
		relations = tree(table)
	}
	rows := make([]string, len(triggers))
	for i, t := range triggers {
		rows[i] = fmt.Sprintf("(%s, %d, %t)", sqltext.Literal(t.Name), t.Type, t.Deferred)
	}
	calls := sqltext.Format("to_regprocedure({})", sqltext.Value(sqltext.Qualified(function.Schema, function.Name)+"()"))
	return fmt.Sprintf("NOT EXISTS (%sSELECT FROM tree WHERE (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = tree.relation"+
		" AND (t.tgname::text, t.tgtype::int, t.tginitdeferred) IN (%s) AND t.tgenabled::text = %s AND t.tgfoid = %s AND cardinality(t.tgattr::int2[]) = 0) <> %d)",
		relations, strings.Join(rows, ", "), sqltext.Literal(enabled), calls, len(triggers))
}

// TriggerFunctionIs is true if the function without arguments has the source, by its md5, is volatile, runs with the rights of the owner
// and the search_path pg_catalog, pg_temp, and PUBLIC may not execute it. owner "" is any.
func TriggerFunctionIs(function sqltext.Table, source, owner string) string {
	by := ""
	if owner != "" {
		by = sqltext.Format(" AND pg_get_userbyid(f.proowner) = {}", sqltext.Value(owner))
	}
	return sqltext.Format("EXISTS (SELECT FROM pg_proc f WHERE f.oid = to_regprocedure({})"+
		" AND md5(convert_to(f.prosrc, 'UTF8')) = {} AND f.prosecdef AND f.provolatile = 'v' AND f.proconfig = ARRAY['search_path=pg_catalog, pg_temp']",
		sqltext.Value(sqltext.Qualified(function.Schema, function.Name)+"()"), sqltext.Value(source)) + by +
		" AND NOT EXISTS (SELECT FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) g WHERE g.grantee = 0))"
}

// DependentsBut is Dependents without the triggers of these names.
func DependentsBut(top sqltext.Table, column string, triggers []string) string {
	return dependents(top, column, "\n      AND NOT EXISTS (SELECT FROM pg_trigger t WHERE d.classid = 'pg_trigger'::regclass AND t.oid = d.objid AND t.tgname IN ("+literals(triggers)+"))")
}

// Fact is a condition, and the fault if it is false.
type Fact struct{ Holds, Wrong string }

// Require is the body of a DO statement that fails if a fact about an object does not hold. The hint is to generate the script
// of a direction again.
func Require(object string, facts []Fact, direction string) string {
	lines := make([]string, len(facts))
	for i, f := range facts {
		lines[i] = "(" + sqltext.Literal(f.Wrong) + ", " + f.Holds + ")"
	}
	return template("require", "facts", List(lines), "object", sqltext.Literal(object), "again", Again(direction))
}

// literals returns texts as a list of SQL literals.
func literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = sqltext.Literal(text)
	}
	return strings.Join(quoted, ", ")
}
