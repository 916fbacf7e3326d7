// Package condition writes SQL conditions on the catalogue, by which a script decides whether a statement is still needed,
// and checks that fail where a statement would do harm. Names need no schema: search_path is pg_catalog wherever a
// condition is evaluated. The package has no side effects.
package condition

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Regclass is the oid of a relation; NULL if it does not exist.
func Regclass(relation sqltext.Table) string {
	return sqltext.Format("to_regclass({})", sqltext.Value(sqltext.Qualified(relation.Schema, relation.Name)))
}

// HasColumn is true if the table has the column. A further condition on it, as pg_attribute a, may follow.
func HasColumn(table sqltext.Table, column string, more ...string) string {
	return "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = " + Regclass(table) +
		sqltext.Format(" AND a.attname = {} AND NOT a.attisdropped", sqltext.Value(column)) + and(more) + ")"
}

// HasConstraint is true if the table has the constraint. A further condition on it, as pg_constraint p, may follow.
func HasConstraint(table sqltext.Table, name string, more ...string) string {
	return "EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = " + Regclass(table) +
		sqltext.Format(" AND p.conname = {}", sqltext.Value(name)) + and(more) + ")"
}

// HasIndex is true if the table has the index. A further condition on it, as pg_index i, may follow.
func HasIndex(table sqltext.Table, name string, more ...string) string {
	return "EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = " + Regclass(table) +
		sqltext.Format(" AND x.relname = {}", sqltext.Value(name)) + and(more) + ")"
}

func and(more []string) string {
	var sql strings.Builder
	for _, one := range more {
		sql.WriteString(" AND " + one)
	}
	return sql.String()
}

// And is true if all conditions are.
func And(conditions ...string) string { return strings.Join(conditions, " AND ") }

// Not is true if a condition is false.
func Not(condition string) string { return "NOT " + condition }

// Nullable is true for a column a that may hold NULL. From PostgreSQL 18 on, a NOT NULL constraint may be NOT VALID.
func Nullable(major int) string {
	if major < FirstNotValid {
		return "NOT a.attnotnull"
	}
	return "(NOT a.attnotnull OR EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n'" +
		" AND n.conkey = ARRAY[a.attnum] AND NOT n.convalidated))"
}

// FirstNotValid is the first major version in which NOT NULL is a constraint of each table, which may be NOT VALID.
const FirstNotValid = 18

// CommentContains is true for a column a whose comment contains the text.
func CommentContains(text string) string {
	return "strpos(coalesce(col_description(a.attrelid, a.attnum), ''), " + sqltext.Literal(text) + ") > 0"
}

// VersionIs is true while the table's comment records the version.
func VersionIs(table sqltext.Table, version int) string {
	return "btrim(obj_description(" + Regclass(table) + ", 'pg_class')) = " + sqltext.Literal(fmt.Sprint(version))
}

// FunctionIs is true if a function without arguments has the source, by its md5, and default attributes.
func FunctionIs(function sqltext.Table, source string) string {
	return sqltext.Format("EXISTS (SELECT FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace"+
		" WHERE n.nspname = {} AND f.proname = {} AND f.pronargs = 0 AND md5(f.prosrc) = {}"+
		" AND f.prokind = 'f' AND f.provolatile = 'v' AND f.proparallel = 's' AND NOT f.proisstrict AND NOT f.prosecdef AND NOT f.proleakproof"+
		" AND NOT f.proretset AND f.proconfig IS NULL AND f.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'sql'))",
		sqltext.Value(function.Schema), sqltext.Value(function.Name), sqltext.Value(source))
}

// Calls is an array of the accepted defaults, as PostgreSQL writes them: a bare call of the function, and other texts.
func Calls(f sqltext.Table, others ...string) string {
	list := sqltext.Format("format('%I.%I()', {}, {})", sqltext.Value(f.Schema), sqltext.Value(f.Name))
	if f.Schema == "pg_catalog" { // always in the search_path
		list = sqltext.Format("format('%I()', {})", sqltext.Value(f.Name))
	}
	for _, other := range others {
		list += ", " + sqltext.Literal(other)
	}
	return "ARRAY[" + list + "]"
}

// HasDefault is true for a column a whose default is one of an array of texts.
func HasDefault(texts string) string {
	return "EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum" +
		" AND pg_get_expr(d.adbin, d.adrelid) = ANY (" + texts + "))"
}

// IsOn is true for an index i that is unique and on exactly the columns. Another index may have the same name.
func IsOn(columns []string) string {
	names := make([]string, len(columns))
	for n, column := range columns {
		names[n] = sqltext.Literal(column)
	}
	return "i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND ARRAY(SELECT k.attname::text FROM unnest(i.indkey) WITH ORDINALITY u (n, place)" +
		" JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = u.n ORDER BY u.place) = ARRAY[" + strings.Join(names, ", ") + "]"
}

// Unattached is true for an index i that is attached to no other.
const Unattached = "NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)"

// Stale is true for an invalid index i of a partitioned table that has an index of every partition attached to it.
const Stale = "NOT i.indisvalid AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = i.indrelid AND NOT EXISTS (" +
	"SELECT FROM pg_inherits k JOIN pg_index o ON o.indexrelid = k.inhrelid WHERE k.inhparent = i.indexrelid AND o.indrelid = h.inhrelid))"

// Again is the hint to generate a script again, as an SQL literal.
func Again(direction string) string {
	return sqltext.Literal("Generate the script again: rekey sql " + direction + ". Everything done so far is committed.")
}

// Ordinal returns the number of a row in a VALUES list, counted from 1.
func Ordinal(n int) string { return strconv.Itoa(n + 1) }
