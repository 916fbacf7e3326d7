package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A guard is a query on the catalogue that returns a row if the precondition of a change holds. It runs in the change's
// transaction after the lock is taken, because the application may have altered the table since it was inspected.

// hasDefaultNow returns the guard of a change after which the column rejects NULL: an INSERT that does not name the
// column needs the default.
func (t Target) hasDefaultNow() string {
	defaults := sqltext.Format("pg_catalog.format('%I.%I()', {}::text, {}::text)", sqltext.Value(t.Function.Schema), sqltext.Value(t.Function.Name))
	if t.Function.Schema == "pg_catalog" { // it is in the search_path, so pg_get_expr omits it
		defaults = sqltext.Format("pg_catalog.format('%I()', {}::text)", sqltext.Value(t.Function.Name))
	}
	if t.KeepsMark && !t.Random() {
		defaults += ", 'uuidv7()'" // as HasDefault
	}
	return sqltext.Format("SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"+
		" WHERE a.attrelid = {}::pg_catalog.regclass AND a.attname = {} AND NOT a.attisdropped"+
		" AND a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype AND a.attgenerated = '' AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) IN (",
		sqltext.Value(t.Relation()), sqltext.Value(t.Column)) + defaults + ")"
}

// provedNow returns the guard of SET NOT NULL: without a validated CHECK it would scan the table under ACCESS EXCLUSIVE.
// It compares the expression, since another constraint may have taken the name.
func (t Target) provedNow() string {
	return t.hasDefaultNow() + sqltext.Format(" AND EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = a.attrelid"+
		" AND k.conname = {} AND k.contype = 'c' AND k.convalidated"+
		" AND pg_catalog.pg_get_expr(k.conbin, k.conrelid) = pg_catalog.format('(%I IS NOT NULL)', a.attname))", sqltext.Value(t.Check))
}

// hasProofNow returns the guard of dropping the CHECK: a constraint of the application's may have taken its name.
func (t Target) hasProofNow() string {
	return sqltext.Format("SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = pg_catalog.to_regclass({})"+
		" AND k.conname = {} AND k.contype = 'c' AND pg_catalog.pg_get_expr(k.conbin, k.conrelid) = pg_catalog.format('(%I IS NOT NULL)', {}::text)",
		sqltext.Value(t.Relation()), sqltext.Value(t.Check), sqltext.Value(t.Column))
}

// followsNow returns the guard of SET NOT NULL on a partitioned table: it would scan every partition that is not NOT NULL.
func (t Target) followsNow() string {
	return t.hasDefaultNow() + sqltext.Format(" AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree({}::pg_catalog.regclass) p"+
		" JOIN pg_catalog.pg_attribute b ON b.attrelid = p.relid WHERE p.isleaf AND b.attname = {} AND NOT b.attisdropped AND NOT b.attnotnull)",
		sqltext.Value(t.Relation()), sqltext.Value(t.Column))
}

// isColumnNow returns the guard of a change of an existing column. It fails where the column was replaced, which its
// number shows, or has another type.
func (t Target) isColumnNow(c *catalog.Column) string {
	return sqltext.Format("SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {}::pg_catalog.regclass AND a.attname = {} AND a.attnum = {}"+
		" AND NOT a.attisdropped AND a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype",
		sqltext.Value(t.Relation()), sqltext.Value(t.Column), c.Number)
}
