package backfill

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// statements returns the SQL statements on one table.
type statements struct {
	table  sqltext.Table
	column sqltext.Name
	value  string
}

func newStatements(target step.Target, value string) statements {
	if value == "" {
		value = sqltext.Format("{}()", target.Function)
	}
	return statements{
		table:  sqltext.Table{Schema: target.Schema, Name: target.Table},
		column: sqltext.Name(target.Column),
		value:  value,
	}
}

// lockRows locks up to limit rows of a wave in a range that have no value, and skips rows that others hold. With NO KEY,
// foreign key checks on inserts into other tables do not wait for them.
func (t statements) lockRows(where string, bound, limit int) string {
	wave := ""
	if bound < granularity {
		wave = sqltext.Format(" AND (get_byte(tidsend(ctid), 5) * {}) & {} < {}", goldenStride, granularity-1, bound)
	}
	return sqltext.Format("SELECT ctid FROM ONLY {} WHERE ", t.table) + where +
		sqltext.Format(" AND {} IS NULL", t.column) + wave +
		sqltext.Format(" LIMIT {} FOR NO KEY UPDATE SKIP LOCKED", limit)
}

// fill is a batch of a wave: one statement that locks and fills. It reads the range twice; the inner scan prunes the pages.
func (t statements) fill(where string, bound, limit int) string {
	return sqltext.Format("UPDATE ONLY {} SET {} = ", t.table, t.column) + t.value +
		" WHERE ctid = ANY (ARRAY (" + t.lockRows(where, bound, limit) + "))"
}

// lockedRows is lockRows with the result as one text of ctids and their number.
func (t statements) lockedRows(where string, limit int) string {
	return "SELECT coalesce(array_agg(ctid), '{}')::text, count(*) FROM (" + t.lockRows(where, granularity, limit) + ") AS locked"
}

// fillLocked fills the locked rows with the ctids $1. As a separate statement it sees the rows as they are under the lock,
// so that only a trigger or a rule can keep it from filling one.
func (t statements) fillLocked() string {
	return sqltext.Format("UPDATE ONLY {} SET {} = ", t.table, t.column) + t.value +
		" WHERE ctid = ANY ($1::text::tid[])"
}

// count counts the rows of a range that have no value.
func (t statements) count(where string) string {
	return sqltext.Format("SELECT count(*) FROM ONLY {} WHERE ", t.table) + where + sqltext.Format(" AND {} IS NULL", t.column)
}

// countWithOwn counts them, and separately those written by this transaction: a trigger removed their value.
func (t statements) countWithOwn(where string) string {
	return sqltext.Format("SELECT count(*), count(*) FILTER (WHERE xmin = pg_current_xact_id()::xid) FROM ONLY {} WHERE ", t.table) +
		where + sqltext.Format(" AND {} IS NULL", t.column)
}

// BatchSQL returns the statements of the first batch of the first wave, for display. value is Work.Value.
func BatchSQL(server catalog.Server, table catalog.Table, target step.Target, value string) []string {
	choice := Explain(server, table, target)
	first := tableRange{open: true, to: int64(choice.Batch) - 1}
	if choice.By == ByKey {
		first.to = int64(float64(choice.Batch) * choice.RowsPerPage)
	}
	ranges := newPartitioner(choice, newStatements(target, value))
	return []string{
		"BEGIN",
		"SET LOCAL synchronous_commit = off",
		newStatements(target, value).fill(ranges.condition(first), waveBounds(choice.Waves)[0], maxRows),
		"COMMIT",
	}
}
