package ordered

import (
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// rowSQL returns the SQL statements on one table.
type rowSQL struct {
	table  sqltext.Table
	uuid   sqltext.Name
	key    key
	column order.Column
	sent   bool // see Values.Sent
}

func newRowSQL(table sqltext.Table, uuid string, k key, column order.Column) rowSQL {
	return rowSQL{table: table, uuid: sqltext.Name(uuid), key: k, column: column}
}

// time returns the SQL expression of a row's time. The server converts times of a time zone, by its own rules, except times
// far from the present, for which the conversion could fail.
func (t rowSQL) time() string {
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

// kindOf returns the type of timeOf.
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

// read reads the rows that meet a condition, in the order of their keys unless these are integers.
func (t rowSQL) read(where string) string {
	if t.key.integer || t.key.empty() {
		return t.rows() + where
	}
	return t.rows() + where + " ORDER BY " + t.key.columnList("t")
}

// first reads up to so many rows of a range in the order of their keys.
func (t rowSQL) first(s keyRange, rows int64) string {
	return t.rows() + t.key.condition(s) + " ORDER BY " + t.key.columnList("t") + sqltext.Format(" LIMIT {}", rows)
}

// rows reads the fields for row.parse and key.parse.
func (t rowSQL) rows() string {
	return "SELECT " + t.time() + sqltext.Format(", t.{}, t.ctid, t.xmin", t.uuid) + t.key.fields() +
		sqltext.Format(" FROM {} AS t WHERE ", t.table)
}

// unfilled counts the rows of a range that have no value.
func (t rowSQL) unfilled(s keyRange) string {
	return sqltext.Format("SELECT count(*) FROM {} AS t WHERE ", t.table) + t.key.condition(s) +
		sqltext.Format(" AND t.{} IS NULL", t.uuid)
}

// anyUnlocked returns whether a row without a value is not locked.
func (t rowSQL) anyUnlocked() string {
	if t.sent { // unknown: the coordinator of a cluster skips no locked rows
		return "SELECT false"
	}
	return sqltext.Format("SELECT EXISTS (SELECT FROM (SELECT FROM {} AS t WHERE t.{} IS NULL FOR NO KEY UPDATE SKIP LOCKED LIMIT 1) AS free)", t.table, t.uuid)
}

// lockRows locks the rows that are not held, have no value, and still have the time that was read. The parameters are the
// times $1, the values $2, and the key's columns. With NO KEY, foreign key checks on inserts into other tables do not wait for
// them. LATERAL makes the planner look up each row by its key: a join would depend on statistics, which do not exist for a
// new column and may estimate one row for all.
func (t rowSQL) lockRows() string {
	values, equal := t.values()
	return "SELECT t.tid, v.value FROM " + values +
		sqltext.Format(" CROSS JOIN LATERAL (SELECT t.ctid AS tid FROM {} AS t WHERE ", t.table) + equal +
		sqltext.Format(" AND t.{} IS NULL", t.uuid) + t.sameTime() + " FOR NO KEY UPDATE SKIP LOCKED) AS t"
}

// values returns the parameters as rows v, and the condition that one of them has the key of t.
func (t rowSQL) values() (rows, equal string) {
	arrays, names, equal := t.key.join(3)
	return "unnest($1::" + string(kindOf(t.column)) + "[], $2::uuid[]" + arrays + ") AS v(at, value" + names + ")", equal
}

// sameTime returns the condition that a row still has the time that was read.
func (t rowSQL) sameTime() string {
	if t.column.Name == "" {
		return ""
	}
	return " AND (" + t.time() + ") IS NOT DISTINCT FROM v.at"
}

// countLocked is lockRows without writing.
func (t rowSQL) countLocked() string {
	return "SELECT count(*) FROM (" + t.lockRows() + ") AS locked"
}

// write gives the locked rows their values. With sent it locks them by the update.
func (t rowSQL) write() string {
	if t.sent {
		values, equal := t.values()
		return sqltext.Format("UPDATE {} AS t SET {} = v.value FROM ", t.table.All(), t.uuid) + values + " WHERE " + equal +
			sqltext.Format(" AND t.{} IS NULL", t.uuid) + t.sameTime()
	}
	return "WITH locked AS MATERIALIZED (" + t.lockRows() + ")," +
		sqltext.Format(" done AS (UPDATE {} AS t SET {} = locked.value FROM locked WHERE t.ctid = locked.tid RETURNING 1)", t.table, t.uuid) +
		" SELECT (SELECT count(*) FROM locked), (SELECT count(*) FROM done)"
}

// byValue reads the rows with a value in the order of the values, and their keys if these are integers.
func (t rowSQL) byValue() string {
	if !t.key.integer {
		t.key = key{}
	}
	return t.rows() + sqltext.Format("t.{} IS NOT NULL ORDER BY t.{}", t.uuid, t.uuid)
}

// misplaced counts the pairs of rows, with the ctids $1 and $2, whose first key is not below the second.
func (t rowSQL) misplaced() string {
	return "SELECT count(*) FROM unnest($1::tid[], $2::tid[]) AS pair(first, second)" +
		sqltext.Format(" JOIN {} AS a ON a.ctid = pair.first JOIN {} AS b ON b.ctid = pair.second WHERE NOT ", t.table, t.table) +
		t.key.tuple("a") + " < " + t.key.tuple("b")
}

// BatchSQL returns the statements of one batch, for display. Its parameters are values chosen in advance, except for a table
// without a key.
func BatchSQL(server catalog.Server, table catalog.Table, column string, at order.Column) []string {
	k := keyOf(table, table.OrderKey(column))
	j := backfill.Job{Server: server, Table: table, Column: column}
	if k.empty() {
		return backfill.Expression(ValueSQL(at, time.Time{})).BatchSQL(j)
	}
	return []string{"BEGIN", "SET LOCAL synchronous_commit = off", strings.Join(pg.ByIndex(), "; "), newRowSQL(j.Name(), column, k, at).write(), "COMMIT"}
}
