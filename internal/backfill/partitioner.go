package backfill

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// tableRange is a range of pages or keys: above from, up to and including to. If open, it has no lower bound. There is no
// arithmetic on keys, which could overflow.
type tableRange struct {
	from int64
	open bool
	to   int64
}

// after returns the part of the range above end.
func (r tableRange) after(end int64) tableRange { return tableRange{from: end, to: r.to} }

// upTo returns the part of the range up to and including end.
func (r tableRange) upTo(end int64) tableRange {
	return tableRange{from: r.from, open: r.open, to: end}
}

// partitioner splits a table into ranges: by page, by integer key, or not at all.
type partitioner interface {
	// split returns the end of a range's first part of about so many pages; ok is false if the range is empty.
	split(ctx context.Context, tx pg.Tx, r tableRange, pages int64) (end int64, ok bool, err error)
	// end returns the current end of the table; ok is false if the table is empty.
	end(ctx context.Context, tx pg.Tx) (end int64, ok bool, err error)
	// condition returns the SQL condition for the rows of a range.
	condition(r tableRange) string
}

func newPartitioner(c Choice, t statements) partitioner {
	switch c.By {
	case ByKey:
		return byKey{sql: t, key: sqltext.Name(c.Key), rows: max(c.RowsPerPage, 1)}
	case ByTuple:
		return byTuple{byPage{sql: t}}
	default:
		return byPage{sql: t}
	}
}

// newSweepPartitioner returns the partitioner of the sweeps, which search for a few rows among many.
func newSweepPartitioner(c Choice, t statements) partitioner {
	if c.By == ByTuple {
		return unsplit{byPage{sql: t}}
	}
	return newPartitioner(c, t)
}

// byPage reads ranges of pages by TID range scans.
type byPage struct{ sql statements }

func (p byPage) firstPage(r tableRange) int64 {
	if r.open {
		return 0
	}
	return r.from + 1
}

func (p byPage) split(_ context.Context, _ pg.Tx, r tableRange, pages int64) (int64, bool, error) {
	first := p.firstPage(r)
	return min(first+pages-1, r.to), first <= r.to, nil
}

func (p byPage) end(ctx context.Context, tx pg.Tx) (int64, bool, error) {
	var end int64
	err := tx.QueryRow(ctx, sqltext.Format(
		"SELECT pg_relation_size({}::regclass) / current_setting('block_size')::int8 - 1", p.regclass())).Scan(&end)
	return end, end >= 0, err
}

func (p byPage) regclass() sqltext.Value {
	return sqltext.Value(sqltext.Qualified(p.sql.table.Schema, p.sql.table.Name))
}

func (p byPage) condition(r tableRange) string {
	return sqltext.Format("ctid >= '({},0)' AND ctid < '({},0)'", p.firstPage(r), r.to+1)
}

// byTuple reads every possible row of a page by its ctid, since 13 has no TID range scan. That does not prune pages.
type byTuple struct{ byPage }

func (t byTuple) condition(r tableRange) string {
	const maxTuples = 291 // MaxHeapTuplesPerPage, for pages of the default size
	return sqltext.Format("ctid = ANY (ARRAY (SELECT format('(%s,%s)', page, line)::tid"+
		" FROM generate_series({}::int8, {}::int8) AS page, generate_series(1, {}) AS line))", t.firstPage(r), r.to, maxTuples)
}

// unsplit treats the table as one range, where reading a part costs more than reading all: on 13 without an integer key.
type unsplit struct{ byPage }

func (w unsplit) split(_ context.Context, _ pg.Tx, r tableRange, _ int64) (int64, bool, error) {
	return r.to, w.firstPage(r) <= r.to, nil
}

func (w unsplit) condition(tableRange) string { return "true" }

// byKey reads ranges of an integer key, each with so many rows, however far apart their keys are.
type byKey struct {
	sql  statements
	key  sqltext.Name
	rows float64 // per page
}

// indexScanOnly makes the planner use the index even if statistics are missing or stale. Without it, the planner may sort
// the rest of the table for every range.
const indexScanOnly = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"

// split finds the end by an index scan. It allows bitmap scans again for the filling: they read each page once.
func (k byKey) split(ctx context.Context, tx pg.Tx, r tableRange, pages int64) (int64, bool, error) {
	if _, err := tx.Exec(ctx, indexScanOnly); err != nil {
		return 0, false, err
	}
	var end *int64
	var on string
	err := tx.QueryRow(ctx, k.splitSQL(r, int64(max(float64(pages)*k.rows, 1)))).Scan(&end, &on)
	if err != nil || end == nil {
		return 0, false, err
	}
	return *end, true, nil
}

func (k byKey) splitSQL(r tableRange, rows int64) string {
	return sqltext.Format("SELECT max(k), set_config('enable_bitmapscan', 'on', true) FROM (SELECT {}::int8 AS k FROM {} WHERE ",
		k.key, k.sql.table) + k.condition(r) + sqltext.Format(" ORDER BY {} LIMIT {}) AS part", k.key, rows)
}

func (k byKey) end(ctx context.Context, tx pg.Tx) (int64, bool, error) {
	var end *int64
	err := tx.QueryRow(ctx, sqltext.Format("SELECT max({})::int8 FROM {}", k.key, k.sql.table)).Scan(&end)
	if err != nil || end == nil {
		return 0, false, err
	}
	return *end, true, nil
}

func (k byKey) condition(r tableRange) string {
	// Quoted, because an unquoted literal of the smallest bigint would be numeric and could not use the index.
	upper := sqltext.Format("{} <= '{}'::int8", k.key, r.to)
	if r.open {
		return upper
	}
	return sqltext.Format("{} > '{}'::int8 AND ", k.key, r.from) + upper
}
