package ordered

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// text makes the statements on one table.
type text struct {
	table  sqltext.Table
	uuid   sqltext.Name
	key    sqltext.Name
	column order.Column
}

func textOf(target step.Target, key string, column order.Column) text {
	return text{
		table: sqltext.Table{Schema: target.Schema, Name: target.Table}, uuid: sqltext.Name(target.Column),
		key: sqltext.Name(key), column: column,
	}
}

// time is a row's time as it is read. A time in a zone is converted by the server, so that it means what
// the server says it means; far from our days that could fail, and is not done.
func (t text) time() string {
	column := sqltext.Format("t.{}", sqltext.Name(t.column.Name))
	switch {
	case t.column.Name == "":
		return "NULL::timestamp"
	case t.column.Zone == "":
		return column
	default:
		return "CASE WHEN " + column + " < '1960-01-01' THEN '-infinity' WHEN " + column + " > '9999-01-01' THEN 'infinity' ELSE timezone(" +
			sqltext.Format("{}, ", sqltext.Value(t.column.Zone)) + column + ") END"
	}
}

// kind is the type of time.
func (t text) kind() order.Kind {
	switch {
	case t.column.Name == "":
		return order.Timestamp
	case t.column.Zone != "":
		return order.Timestamptz
	default:
		return t.column.Kind
	}
}

// span is a range of keys: above low and up to high, where they are known.
type span struct{ low, high *int64 }

func (t text) within(s span) string {
	// A quoted number: the least bigint without quotes would be numeric, and no index would serve.
	where := "true"
	if s.low != nil {
		where += sqltext.Format(" AND t.{} > '{}'::int8", t.key, *s.low)
	}
	if s.high != nil {
		where += sqltext.Format(" AND t.{} <= '{}'::int8", t.key, *s.high)
	}
	return where
}

// read reads what is needed of the rows of a span.
func (t text) read(where string) string {
	return sqltext.Format("SELECT t.{}::int8, ", t.key) + t.time() +
		sqltext.Format(", t.{}, t.ctid, t.xmin FROM ONLY {} AS t WHERE ", t.uuid, t.table) + where
}

// first reads no more than so many rows, in the order of their keys.
func (t text) first(s span, rows int64) string {
	return t.read(t.within(s)) + sqltext.Format(" ORDER BY t.{} LIMIT {}", t.key, rows)
}

// unfilled counts the rows of a span that have no value.
func (t text) unfilled(s span) string {
	return sqltext.Format("SELECT count(*) FROM ONLY {} AS t WHERE ", t.table) + t.within(s) +
		sqltext.Format(" AND t.{} IS NULL", t.uuid)
}

// pick locks the rows that nobody holds, that have no value and still have their time: keys $1, times
// $2, values $3. NO KEY: the foreign keys of inserts elsewhere go on being checked.
func (t text) pick() string {
	same := ""
	if t.column.Name != "" {
		same = " AND (" + t.time() + ") IS NOT DISTINCT FROM v.at"
	}
	return "SELECT t.ctid AS place, v.value FROM unnest($1::int8[], $2::" + string(t.kind()) + "[], $3::uuid[]) AS v(key, at, value)" +
		sqltext.Format(" JOIN ONLY {} AS t ON t.{} = v.key", t.table, t.key) +
		sqltext.Format(" WHERE t.{} IS NULL", t.uuid) + same + " FOR NO KEY UPDATE OF t SKIP LOCKED"
}

// lock is pick alone.
func (t text) lock() string { return "SELECT count(*) FROM (" + t.pick() + ") AS picked" }

// write gives picked rows the values that were made for them.
func (t text) write() string {
	return "WITH picked AS MATERIALIZED (" + t.pick() + ")," +
		sqltext.Format(" done AS (UPDATE ONLY {} AS t SET {} = picked.value FROM picked WHERE t.ctid = picked.place RETURNING 1)", t.table, t.uuid) +
		" SELECT (SELECT count(*) FROM picked), (SELECT count(*) FROM done)"
}

// plans keeps the planner on the key's index, for the rest of a transaction: where statistics are missing
// or stale it might think that a part is most of the table.
const plans = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

// BatchSQL gives the statements of one batch for a reader: the values are made before, from what was read.
func BatchSQL(table catalog.Table, target step.Target, column order.Column) []string {
	return []string{"BEGIN", "SET LOCAL synchronous_commit = off", plans, textOf(target, table.IntegerKey(), column).write(), "COMMIT"}
}
