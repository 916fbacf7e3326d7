package ordered

import (
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// text makes the statements on one table.
type statements struct {
	table  sqltext.Table
	uuid   sqltext.Name
	key    key
	column order.Column
}

func newStatements(target step.Target, k key, column order.Column) statements {
	return statements{
		table: sqltext.Table{Schema: target.Schema, Name: target.Table}, uuid: sqltext.Name(target.Column),
		key: k, column: column,
	}
}

// time is a row's time as it is read. A time in a zone is converted by the server, so that it means what
// the server says it means; far from our days that could fail, and is not done.
func (t statements) time() string {
	if t.column.Name == "" {
		return "NULL::timestamp"
	}
	return timeOf(t.column, sqltext.Format("t.{}", sqltext.Name(t.column.Name)))
}

func timeOf(c order.Column, column string) string {
	if c.Kind.Micros() > 0 {
		return epochTime(c.Kind, column)
	}
	if c.Zone == "" {
		return column
	}
	return "CASE WHEN " + column + " < '1960-01-01' THEN '-infinity' WHEN " + column + " > '9999-01-01' THEN 'infinity' ELSE timezone(" +
		sqltext.Format("{}, ", sqltext.Value(c.Zone)) + column + ") END"
}

// kindOf is the type of timeOf.
func kindOf(c order.Column) order.Kind {
	switch {
	case c.Name == "":
		return order.Timestamp
	case c.Zone != "", c.Kind.Micros() > 0:
		return order.Timestamptz
	default:
		return c.Kind
	}
}

// read reads what is needed of the rows that meet a condition; of a key that is no integer in its order.
func (t statements) read(where string) string {
	if t.key.integer || t.key.empty() {
		return t.rows() + where
	}
	return t.rows() + where + " ORDER BY " + t.key.columnList("t")
}

// first reads no more than so many rows of a span, in the order of their keys.
func (t statements) first(s keyRange, rows int64) string {
	return t.rows() + t.key.condition(s) + " ORDER BY " + t.key.columnList("t") + sqltext.Format(" LIMIT {}", rows)
}

// rows reads the fields that row.parse knows, and the key.
func (t statements) rows() string {
	return "SELECT " + t.time() + sqltext.Format(", t.{}, t.ctid, t.xmin", t.uuid) + t.key.fields() +
		sqltext.Format(" FROM ONLY {} AS t WHERE ", t.table)
}

// unfilled counts the rows of a span that have no value.
func (t statements) unfilled(s keyRange) string {
	return sqltext.Format("SELECT count(*) FROM ONLY {} AS t WHERE ", t.table) + t.key.condition(s) +
		sqltext.Format(" AND t.{} IS NULL", t.uuid)
}

// free returns a query: whether a row without a value is unlocked.
func (t statements) anyUnlocked() string {
	return sqltext.Format("SELECT EXISTS (SELECT FROM (SELECT FROM ONLY {} AS t WHERE t.{} IS NULL FOR NO KEY UPDATE SKIP LOCKED LIMIT 1) AS free)", t.table, t.uuid)
}

// pick locks the rows that nobody holds, that have no value and still have their time: times $1, values $2, and the columns of
// the key. NO KEY: the foreign keys of inserts elsewhere go on being checked. LATERAL: each row is found by its key; as a
// join it would be left to the statistics, which know nothing of a column that is new, and take a row for all of them.
func (t statements) lockRows() string {
	same := ""
	if t.column.Name != "" {
		same = " AND (" + t.time() + ") IS NOT DISTINCT FROM v.at"
	}
	arrays, names, equal := t.key.join(3)
	return "SELECT t.place, v.value FROM unnest($1::" + string(kindOf(t.column)) + "[], $2::uuid[]" + arrays + ") AS v(at, value" + names + ")" +
		sqltext.Format(" CROSS JOIN LATERAL (SELECT t.ctid AS place FROM ONLY {} AS t WHERE ", t.table) + equal +
		sqltext.Format(" AND t.{} IS NULL", t.uuid) + same + " FOR NO KEY UPDATE SKIP LOCKED) AS t"
}

// lock is pick alone.
func (t statements) countLocked() string {
	return "SELECT count(*) FROM (" + t.lockRows() + ") AS picked"
}

// write gives picked rows the values that were made for them.
func (t statements) write() string {
	return "WITH picked AS MATERIALIZED (" + t.lockRows() + ")," +
		sqltext.Format(" done AS (UPDATE ONLY {} AS t SET {} = picked.value FROM picked WHERE t.ctid = picked.place RETURNING 1)", t.table, t.uuid) +
		" SELECT (SELECT count(*) FROM picked), (SELECT count(*) FROM done)"
}

// byValue reads the rows that have a value, in the order of their values; of the keys only integers.
func (t statements) byValue() string {
	if !t.key.integer {
		t.key = key{}
	}
	return t.rows() + sqltext.Format("t.{} IS NOT NULL ORDER BY t.{}", t.uuid, t.uuid)
}

// misplaced counts the pairs of rows, at the addresses $1 and $2, of which the first is not before the second by its key.
func (t statements) misplaced() string {
	return "SELECT count(*) FROM unnest($1::tid[], $2::tid[]) AS pair(first, second)" +
		sqltext.Format(" JOIN ONLY {} AS a ON a.ctid = pair.first JOIN ONLY {} AS b ON b.ctid = pair.second WHERE NOT ", t.table, t.table) +
		t.key.tuple("a") + " < " + t.key.tuple("b")
}

// BatchSQL gives the statements of one batch for a reader: the values are made before, from what was read, but for a table
// without a key.
func BatchSQL(server catalog.Server, table catalog.Table, target step.Target, column order.Column) []string {
	k := keyOf(table, table.OrderKey(target.Column))
	if k.empty() {
		return backfill.BatchSQL(server, table, target, ValueSQL(column, time.Time{}))
	}
	return []string{"BEGIN", "SET LOCAL synchronous_commit = off", strings.Join(pg.ByIndex(), "; "), newStatements(target, k, column).write(), "COMMIT"}
}
