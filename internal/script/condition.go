package script

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// A condition is an SQL expression on the catalogue. Its names need no schema, since search_path is pg_catalog wherever
// a condition is evaluated.

func regclass(relation string) string {
	return sqltext.Format("to_regclass({})", sqltext.Value(relation))
}

func hasColumn(t step.Target, more string) string {
	return "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = " + regclass(t.Relation()) +
		sqltext.Format(" AND a.attname = {} AND NOT a.attisdropped", sqltext.Value(t.Column)) + and(more) + ")"
}

func hasConstraint(t step.Target, more string) string {
	return "EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = " + regclass(t.Relation()) +
		sqltext.Format(" AND p.conname = {}", sqltext.Value(t.Check)) + and(more) + ")"
}

func hasIndex(t step.Target, more string) string {
	return "EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = " + regclass(t.Relation()) +
		sqltext.Format(" AND x.relname = {}", sqltext.Value(t.Index)) + and(more) + ")"
}

func and(more string) string {
	if more == "" {
		return ""
	}
	return " AND " + more
}

func not(condition string) string { return "NOT " + condition }

// nullable is true for a column a that may hold NULL. From PostgreSQL 18 on, a NOT NULL constraint may be NOT VALID.
func nullable(major int) string {
	if major < firstNotValid {
		return "NOT a.attnotnull"
	}
	return "(NOT a.attnotnull OR EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n'" +
		" AND n.conkey = ARRAY[a.attnum] AND NOT n.convalidated))"
}

const firstNotValid = 18

// markedMade is true for a column a with the mark of a column that up made.
func markedMade(t step.Target) string { return commentContains(t.Mark()) }

// markedFound is true for a column a with the mark of a column that existed before up.
func markedFound(t step.Target) string {
	var marks []string
	for _, mark := range t.FoundMarks() {
		marks = append(marks, commentContains(mark))
	}
	return strings.Join(marks, " AND ")
}

// commentContains is true for a column a whose comment contains the text.
func commentContains(text string) string {
	return "strpos(coalesce(col_description(a.attrelid, a.attnum), ''), " + sqltext.Literal(text) + ") > 0"
}

// versionIs is true while the table's comment records the version.
func versionIs(schema, table string, version int) string {
	return "btrim(obj_description(" + regclass(sqltext.Qualified(schema, table)) + ", 'pg_class')) = " +
		sqltext.Literal(fmt.Sprint(version))
}

// functionIs is true if the schema's function has that source and default attributes.
func functionIs(schema, source string) string {
	return sqltext.Format("EXISTS (SELECT FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace"+
		" WHERE n.nspname = {} AND f.proname = {} AND f.pronargs = 0 AND md5(f.prosrc) = {}"+
		" AND f.prokind = 'f' AND f.provolatile = 'v' AND f.proparallel = 's' AND NOT f.proisstrict AND NOT f.prosecdef AND NOT f.proleakproof"+
		" AND NOT f.proretset AND f.proconfig IS NULL AND f.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'sql'))",
		sqltext.Value(schema), sqltext.Value(step.FunctionName), sqltext.Value(source))
}
