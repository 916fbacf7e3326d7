package backfill

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// text makes the statements on one table.
type text struct {
	table  sqltext.Table
	column sqltext.Name
	value  string
}

func textOf(target step.Target, value string) text {
	if value == "" {
		value = sqltext.Format("{}()", target.Function)
	}
	return text{
		table:  sqltext.Table{Schema: target.Schema, Name: target.Table},
		column: sqltext.Name(target.Column),
		value:  value,
	}
}

// pick locks rows of a range that have no value and are held by nobody, of one wave, and no more than
// most. NO KEY: the foreign keys of inserts elsewhere go on being checked.
func (t text) pick(where string, bound, most int) string {
	wave := ""
	if bound < steps {
		wave = sqltext.Format(" AND (get_byte(tidsend(ctid), 5) * {}) & {} < {}", golden, steps-1, bound)
	}
	return sqltext.Format("SELECT ctid FROM ONLY {} WHERE ", t.table) + where +
		sqltext.Format(" AND {} IS NULL", t.column) + wave +
		sqltext.Format(" LIMIT {} FOR NO KEY UPDATE SKIP LOCKED", most)
}

// fill is a batch of a wave: one statement that locks and fills. It reads the range twice, and pages
// are pruned by the inner reading.
func (t text) fill(where string, bound, most int) string {
	return sqltext.Format("UPDATE ONLY {} SET {} = ", t.table, t.column) + t.value +
		" WHERE ctid = ANY (ARRAY (" + t.pick(where, bound, most) + "))"
}

// gather is pick with its addresses as one text, and their number.
func (t text) gather(where string, most int) string {
	return "SELECT coalesce(array_agg(ctid), '{}')::text, count(*) FROM (" + t.pick(where, steps, most) + ") AS picked"
}

// fillPicked fills the rows at the addresses $1, which are locked already: a statement of its own sees
// them as they are now, so that only a trigger or a rule can make it miss one.
func (t text) fillPicked() string {
	return sqltext.Format("UPDATE ONLY {} SET {} = ", t.table, t.column) + t.value +
		" WHERE ctid = ANY ($1::text::tid[])"
}

// count counts the rows of a range without a value.
func (t text) count(where string) string {
	return sqltext.Format("SELECT count(*) FROM ONLY {} WHERE ", t.table) + where + sqltext.Format(" AND {} IS NULL", t.column)
}

// countOwn counts them too, and those that this transaction wrote itself: a trigger took the value away.
func (t text) countOwn(where string) string {
	return sqltext.Format("SELECT count(*), count(*) FILTER (WHERE xmin = pg_current_xact_id()::xid) FROM ONLY {} WHERE ", t.table) +
		where + sqltext.Format(" AND {} IS NULL", t.column)
}

// BatchSQL gives the statements of one batch for a reader: the first batch of the first wave. The value is Work's.
func BatchSQL(server catalog.Server, table catalog.Table, target step.Target, value string) []string {
	choice := Explain(server, table, target)
	span := span{open: true, to: int64(choice.Batch) - 1}
	if choice.By == ByKey {
		span.to = int64(float64(choice.Batch) * choice.RowsPerPage)
	}
	ground := groundOf(choice, textOf(target, value))
	return []string{
		"BEGIN",
		"SET LOCAL synchronous_commit = off",
		textOf(target, value).fill(ground.where(span), bounds(choice.Waves)[0], mostRows),
		"COMMIT",
	}
}
