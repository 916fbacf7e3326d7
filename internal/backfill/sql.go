package backfill

import (
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// statements returns the SQL statements on one table.
type statements struct {
	Statement
	table  sqltext.Table
	column sqltext.Name
}

func (s Statement) statements(j Job) statements {
	return statements{Statement: s, table: j.Name(), column: sqltext.Name(j.Column)}
}

// from returns the table, with an alias if the writer's SQL refers to it.
func (t statements) from() string {
	if t.pending == "" {
		return sqltext.Format("{}", t.table)
	}
	return sqltext.Format("{} AS {}", t.table, alias)
}

// open returns the SQL condition of rows that are still to do.
func (t statements) open() string { return t.without(t.pending) }

// without returns the SQL condition of rows that have no value and meet a further condition.
func (t statements) without(condition string) string {
	if condition != "" {
		condition = " AND " + condition
	}
	return sqltext.Format("{} IS NULL", t.column) + condition
}

// lockRows locks up to limit rows of a wave in a range that are likely still to do, and skips rows that others hold. With NO
// KEY, foreign key checks on inserts into other tables do not wait for them.
func (t statements) lockRows(where string, bound, limit int) string {
	return t.lock(where, t.without(t.likely), bound, limit)
}

func (t statements) lock(where, open string, bound, limit int) string {
	wave := ""
	if bound < granularity {
		wave = sqltext.Format(" AND (get_byte(tidsend(ctid), 5) * {}) & {} < {}", goldenStride, granularity-1, bound)
	}
	return "SELECT ctid FROM " + t.from() + " WHERE " + where + " AND " + open + wave +
		sqltext.Format(" LIMIT {} FOR NO KEY UPDATE SKIP LOCKED", limit)
}

// fill is a batch of a wave: one statement that locks and fills. It reads the range twice; the inner scan prunes the pages.
func (t statements) fill(where string, bound, limit int) string {
	return t.set() + "ctid = ANY (ARRAY (" + t.lockRows(where, bound, limit) + "))"
}

// set updates the rows of a condition that follows.
func (t statements) set() string {
	return "UPDATE " + t.from() + sqltext.Format(" SET {} = ", t.column) + t.value + " WHERE "
}

// lockedRows locks up to limit rows that are still to do and returns their ctids as one text, and their number.
func (t statements) lockedRows(where string, limit int) string {
	return "SELECT coalesce(array_agg(ctid), '{}')::text, count(*) FROM (" + t.lock(where, t.open(), granularity, limit) + ") AS locked"
}

// fillLocked fills the locked rows with the ctids $1. As a separate statement it sees the rows as they are under the lock,
// so that only a trigger or a rule can keep it from filling one, or the end of the row's parent.
func (t statements) fillLocked() string {
	if t.pending == "" {
		return t.set() + locked
	}
	return t.set() + locked + " AND " + t.open()
}

// locked is the condition of the locked rows with the ctids $1 that were not updated.
const locked = "ctid = ANY ($1::text::tid[])"

// count counts the rows of a range that are still to do.
func (t statements) count(where string) string {
	return "SELECT count(*) FROM " + t.from() + " WHERE " + where + " AND " + t.open()
}

// countWithOwn counts them, and separately those written by this transaction: a trigger removed their value.
func (t statements) countWithOwn(where string) string {
	return "SELECT count(*), count(*) FILTER (WHERE xmin = pg_current_xact_id()::xid) FROM " + t.from() + " WHERE " + where + " AND " + t.open()
}

// findOrphans counts the rows of a range that cannot get a value, and returns up to $1 of the keys they refer to.
func (t statements) findOrphans(where string) string {
	return "WITH orphans AS MATERIALIZED (SELECT " + t.key + " AS key FROM " + t.from() + " WHERE " + where + " AND " + t.without(t.orphans) + ")" +
		" SELECT count(*), ARRAY (SELECT DISTINCT key FROM orphans ORDER BY key LIMIT $1) FROM orphans"
}

// TrialSQL returns an UPDATE of the rows with the ctids $1 if they are still to do and not locked, to find a row that makes a
// batch fail. Each gets its value, or of a writer other than Join any uuid; unchanged keeps what the column has.
func (j Job) TrialSQL(unchanged bool) string {
	s, _ := j.Writer.(Statement)
	if s.pending == "" {
		s.value = "gen_random_uuid()"
	}
	if unchanged {
		s.value = sqltext.Format("{}", sqltext.Name(j.Column))
	}
	return s.statements(j).fill("ctid = ANY ($1::text[]::tid[])", granularity, maxRows)
}

// BatchSQL returns the statements of the first batch of the first wave, for display. Of the job it reads the server, the table
// and the column.
func (s Statement) BatchSQL(j Job) []string {
	choice := Explain(j.Server, j.Table, j.Column)
	first := tableRange{open: true, to: int64(choice.Batch) - 1}
	if choice.By == ByKey {
		first.to = int64(float64(choice.Batch) * choice.RowsPerPage)
	}
	settings := []string{"BEGIN", "SET LOCAL synchronous_commit = off"}
	if s.setting {
		settings = append(settings, "SET LOCAL rekey.fill = 'on'")
	}
	ranges := newPartitioner(choice, s.statements(j))
	return append(settings, s.statements(j).fill(ranges.condition(first), WaveBounds(choice.Waves)[0], maxRows), "COMMIT")
}
