package backfill

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// span is a range of pages or of keys: after from, up to and with to. An open one begins at the very
// beginning. No arithmetic is done on keys, so that none can overflow.
type span struct {
	from int64
	open bool
	to   int64
}

// rest is the span without its part up to and with end.
func (s span) rest(end int64) span { return span{from: end, to: s.to} }

// until is the part of the span up to and with end.
func (s span) until(end int64) span { return span{from: s.from, open: s.open, to: end} }

// ground is what spans are cut from.
type ground interface {
	// cut gives the end of a span's first part of about so many pages; ok is false if nothing is in it.
	cut(ctx context.Context, tx pg.Tx, s span, pages int64) (end int64, ok bool, err error)
	// last gives the end of everything that is there now; ok is false if there is nothing.
	last(ctx context.Context, tx pg.Tx) (end int64, ok bool, err error)
	// where is the condition that holds for the rows of a span.
	where(s span) string
}

func groundOf(c Choice, t text) ground {
	switch c.By {
	case ByKey:
		return keys{text: t, key: sqltext.Name(c.Key), rows: max(c.RowsPerPage, 1)}
	case ByTuple:
		return tuples{pages{text: t}}
	default:
		return pages{text: t}
	}
}

// sweptOf is the ground of the sweeps, which look for a few rows among many.
func sweptOf(c Choice, t text) ground {
	if c.By == ByTuple {
		return whole{pages{text: t}}
	}
	return groundOf(c, t)
}

// pages are visited by TID range scans.
type pages struct{ text text }

func (p pages) first(s span) int64 {
	if s.open {
		return 0
	}
	return s.from + 1
}

func (p pages) cut(_ context.Context, _ pg.Tx, s span, pages int64) (int64, bool, error) {
	first := p.first(s)
	return min(first+pages-1, s.to), first <= s.to, nil
}

func (p pages) last(ctx context.Context, tx pg.Tx) (int64, bool, error) {
	var end int64
	err := tx.QueryRow(ctx, sqltext.Format(
		"SELECT pg_relation_size({}::regclass) / current_setting('block_size')::int8 - 1", p.name())).Scan(&end)
	return end, end >= 0, err
}

func (p pages) name() sqltext.Value {
	return sqltext.Value(sqltext.Qualified(p.text.table.Schema, p.text.table.Name))
}

func (p pages) where(s span) string {
	return sqltext.Format("ctid >= '({},0)' AND ctid < '({},0)'", p.first(s), s.to+1)
}

// tuples visits each possible row of a page: 13 has no TID range scan. Pages are not pruned so.
type tuples struct{ pages }

func (t tuples) where(s span) string {
	const most = 291 // MaxHeapTuplesPerPage, for pages of the default size
	return sqltext.Format("ctid = ANY (ARRAY (SELECT format('(%s,%s)', page, line)::tid"+
		" FROM generate_series({}::int8, {}::int8) AS page, generate_series(1, {}) AS line))", t.first(s), s.to, most)
}

// whole is never cut: where a part costs more than all, as on 13 without an integer key.
type whole struct{ pages }

func (w whole) cut(_ context.Context, _ pg.Tx, s span, _ int64) (int64, bool, error) {
	return s.to, w.first(s) <= s.to, nil
}

func (w whole) where(span) string { return "true" }

// keys walks the index of an integer key: parts have so many rows, however far apart their keys are.
type keys struct {
	text text
	key  sqltext.Name
	rows float64 // a page
}

// walking keeps the planner on the index, whatever it makes of statistics that are missing or stale:
// once it sorted the rest of the table for every part.
const walking = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"

// cut walks the index. Bitmap scans, which visit each page once, are allowed again for the filling.
func (k keys) cut(ctx context.Context, tx pg.Tx, s span, pages int64) (int64, bool, error) {
	if _, err := tx.Exec(ctx, walking); err != nil {
		return 0, false, err
	}
	var end *int64
	var on string
	err := tx.QueryRow(ctx, k.walk(s, int64(max(float64(pages)*k.rows, 1)))).Scan(&end, &on)
	if err != nil || end == nil {
		return 0, false, err
	}
	return *end, true, nil
}

func (k keys) walk(s span, rows int64) string {
	return sqltext.Format("SELECT max(k), set_config('enable_bitmapscan', 'on', true) FROM (SELECT {}::int8 AS k FROM ONLY {} WHERE ",
		k.key, k.text.table) + k.where(s) + sqltext.Format(" ORDER BY {} LIMIT {}) AS part", k.key, rows)
}

func (k keys) last(ctx context.Context, tx pg.Tx) (int64, bool, error) {
	var end *int64
	err := tx.QueryRow(ctx, sqltext.Format("SELECT max({})::int8 FROM ONLY {}", k.key, k.text.table)).Scan(&end)
	if err != nil || end == nil {
		return 0, false, err
	}
	return *end, true, nil
}

func (k keys) where(s span) string {
	// A quoted number: the least bigint without quotes would be numeric, and no index would serve.
	upper := sqltext.Format("{} <= '{}'::int8", k.key, s.to)
	if s.open {
		return upper
	}
	return sqltext.Format("{} > '{}'::int8 AND ", k.key, s.from) + upper
}
