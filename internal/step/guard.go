package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A guard is a query on the catalogue that returns a row as long as what a change relies on is there. The change asks it
// in its own transaction, behind its lock: between an inspection and the lock the application may have altered the table.

// hasDefaultNow is the guard of what makes the table stricter for rows that are written from now on: an INSERT that does
// not name the column gets its value from the default.
func (t Target) hasDefaultNow() string {
	defaults := sqltext.Format("pg_catalog.format('%I.%I()', {}::text, {}::text)", sqltext.Value(t.Function.Schema), sqltext.Value(t.Function.Name))
	if t.Function.Schema == "pg_catalog" { // which is in the search_path, so that the server leaves it out
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

// provedNow is the guard of SET NOT NULL, which reads the table under ACCESS EXCLUSIVE unless a CHECK proves it. Another
// constraint may have got the name.
func (t Target) provedNow() string {
	return t.hasDefaultNow() + sqltext.Format(" AND EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = a.attrelid"+
		" AND k.conname = {} AND k.contype = 'c' AND k.convalidated"+
		" AND pg_catalog.pg_get_expr(k.conbin, k.conrelid) = pg_catalog.format('(%I IS NOT NULL)', a.attname))", sqltext.Value(t.Check))
}

// hasProofNow is the guard of dropping the proof: the application may have given its name to a constraint of its own.
func (t Target) hasProofNow() string {
	return sqltext.Format("SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = pg_catalog.to_regclass({})"+
		" AND k.conname = {} AND k.contype = 'c' AND pg_catalog.pg_get_expr(k.conbin, k.conrelid) = pg_catalog.format('(%I IS NOT NULL)', {}::text)",
		sqltext.Value(t.Relation()), sqltext.Value(t.Check), sqltext.Value(t.Column))
}

// followsNow is the guard of SET NOT NULL of a partitioned table, which goes on to its partitions and would read one that
// is not NOT NULL yet.
func (t Target) followsNow() string {
	return t.hasDefaultNow() + sqltext.Format(" AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree({}::pg_catalog.regclass) p"+
		" JOIN pg_catalog.pg_attribute b ON b.attrelid = p.relid WHERE p.isleaf AND b.attname = {} AND NOT b.attisdropped AND NOT b.attnotnull)",
		sqltext.Value(t.Relation()), sqltext.Value(t.Column))
}

// isColumnNow is the guard of a change of a column: another one may have got the name, which PostgreSQL tells by its
// number, or it may have got another type.
func (t Target) isColumnNow(c *catalog.Column) string {
	return sqltext.Format("SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {}::pg_catalog.regclass AND a.attname = {} AND a.attnum = {}"+
		" AND NOT a.attisdropped AND a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype",
		sqltext.Value(t.Relation()), sqltext.Value(t.Column), c.Number)
}
