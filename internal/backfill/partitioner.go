package backfill

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// span is a range of pages or of keys: after from, up to and with to. An open one begins at the very
// beginning. No arithmetic is done on keys, so that none can overflow.
type tableRange struct {
	from int64
	open bool
	to   int64
}

// rest is the span without its part up to and with end.
func (s tableRange) after(end int64) tableRange { return tableRange{from: end, to: s.to} }

// until is the part of the span up to and with end.
func (s tableRange) upTo(end int64) tableRange {
	return tableRange{from: s.from, open: s.open, to: end}
}

// ground is what spans are cut from.
type partitioner interface {
	// cut gives the end of a span's first part of about so many pages; ok is false if nothing is in it.
	split(ctx context.Context, tx pg.Tx, s tableRange, pages int64) (end int64, ok bool, err error)
	// last gives the end of everything that is there now; ok is false if there is nothing.
	end(ctx context.Context, tx pg.Tx) (end int64, ok bool, err error)
	// where is the condition that holds for the rows of a span.
	condition(s tableRange) string
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

// sweptOf is the ground of the sweeps, which look for a few rows among many.
func newSweepPartitioner(c Choice, t statements) partitioner {
	if c.By == ByTuple {
		return unsplit{byPage{sql: t}}
	}
	return newPartitioner(c, t)
}

// pages are visited by TID range scans.
type byPage struct{ sql statements }

func (p byPage) firstPage(s tableRange) int64 {
	if s.open {
		return 0
	}
	return s.from + 1
}

func (p byPage) split(_ context.Context, _ pg.Tx, s tableRange, pages int64) (int64, bool, error) {
	first := p.firstPage(s)
	return min(first+pages-1, s.to), first <= s.to, nil
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

func (p byPage) condition(s tableRange) string {
	return sqltext.Format("ctid >= '({},0)' AND ctid < '({},0)'", p.firstPage(s), s.to+1)
}

// tuples visits each possible row of a page: 13 has no TID range scan. Pages are not pruned so.
type byTuple struct{ byPage }

func (t byTuple) condition(s tableRange) string {
	const maxTuples = 291 // MaxHeapTuplesPerPage, for pages of the default size
	return sqltext.Format("ctid = ANY (ARRAY (SELECT format('(%s,%s)', page, line)::tid"+
		" FROM generate_series({}::int8, {}::int8) AS page, generate_series(1, {}) AS line))", t.firstPage(s), s.to, maxTuples)
}

// whole is never cut: where a part costs more than all, as on 13 without an integer key.
type unsplit struct{ byPage }

func (w unsplit) split(_ context.Context, _ pg.Tx, s tableRange, _ int64) (int64, bool, error) {
	return s.to, w.firstPage(s) <= s.to, nil
}

func (w unsplit) condition(tableRange) string { return "true" }

// keys walks the index of an integer key: parts have so many rows, however far apart their keys are.
type byKey struct {
	sql  statements
	key  sqltext.Name
	rows float64 // a page
}

// walking keeps the planner on the index, whatever it makes of statistics that are missing or stale:
// once it sorted the rest of the table for every part.
const indexScanOnly = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"

// cut walks the index. Bitmap scans, which visit each page once, are allowed again for the filling.
func (k byKey) split(ctx context.Context, tx pg.Tx, s tableRange, pages int64) (int64, bool, error) {
	if _, err := tx.Exec(ctx, indexScanOnly); err != nil {
		return 0, false, err
	}
	var end *int64
	var on string
	err := tx.QueryRow(ctx, k.splitSQL(s, int64(max(float64(pages)*k.rows, 1)))).Scan(&end, &on)
	if err != nil || end == nil {
		return 0, false, err
	}
	return *end, true, nil
}

func (k byKey) splitSQL(s tableRange, rows int64) string {
	return sqltext.Format("SELECT max(k), set_config('enable_bitmapscan', 'on', true) FROM (SELECT {}::int8 AS k FROM ONLY {} WHERE ",
		k.key, k.sql.table) + k.condition(s) + sqltext.Format(" ORDER BY {} LIMIT {}) AS part", k.key, rows)
}

func (k byKey) end(ctx context.Context, tx pg.Tx) (int64, bool, error) {
	var end *int64
	err := tx.QueryRow(ctx, sqltext.Format("SELECT max({})::int8 FROM ONLY {}", k.key, k.sql.table)).Scan(&end)
	if err != nil || end == nil {
		return 0, false, err
	}
	return *end, true, nil
}

func (k byKey) condition(s tableRange) string {
	// A quoted number: the least bigint without quotes would be numeric, and no index would serve.
	upper := sqltext.Format("{} <= '{}'::int8", k.key, s.to)
	if s.open {
		return upper
	}
	return sqltext.Format("{} > '{}'::int8 AND ", k.key, s.from) + upper
}
