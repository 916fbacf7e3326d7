package forecast

import (
	"math"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// Describe returns a table as the catalogue and the statistics describe it.
// column is the uuid column, which may exist.
func Describe(t catalog.Table, s catalog.Stats, column string) Table {
	described := Table{
		Name: t.Schema + "." + t.Name, Rows: max(t.Rows, 0), Pages: float64(t.Pages), Fill: float64(t.Fillfactor), Bytes: s.Table,
		Unlogged: t.Persistence == "u", OldRow: t.ReplicaIdentity == "f",
	}
	if described.Fill <= 0 {
		described.Fill = 100
	}
	described.setWidth(t, s)
	columns := map[string]catalog.ColumnStats{}
	for _, c := range s.Columns {
		columns[c.Name] = c
	}
	for _, size := range s.Indexes {
		if i := indexOf(t, size.Index); i != nil {
			described.Indexes = append(described.Indexes, Index{
				Bytes: float64(size.Bytes), Entry: Entry(t, s, i.Columns), Holds: i.Holds(column),
				Scattered: i.Method != "btree" || scattered(*i, columns, described.Rows),
			})
		}
	}
	return described
}

func indexOf(t catalog.Table, oid uint32) *catalog.Index {
	for i := range t.Indexes {
		if t.Indexes[i].OID == oid {
			return &t.Indexes[i]
		}
	}
	return nil
}

// scattered reports whether rows that are neighbours in the table have entries on different pages of the index. Equal keys are in
// the order of the rows.
func scattered(i catalog.Index, columns map[string]catalog.ColumnStats, rows float64) bool {
	const ordered, few = 0.9, 200
	first, known := columns[i.Columns[0]]
	if !known {
		return !i.Primary
	}
	distinct := first.Distinct
	if distinct < 0 {
		distinct *= -rows
	}
	return math.Abs(first.Correlation) < ordered && distinct > few
}

// The layout of a row.
const (
	tupleHeader  = 23
	usualWidth   = 100 // bytes of a row without statistics
	longestShort = 127 // bytes of a value of varying length that has a header of one byte, and no alignment
)

// setWidth sets the width of a row, and how much of a page is free. Without statistics the rows are as wide as the pages are full.
func (d *Table) setWidth(t catalog.Table, s catalog.Stats) {
	perPage := d.Rows / max(d.Pages, 1)
	packed := pageBytes*d.Fill/100/max(perPage, 0.1) - linePointer
	data, known := dataWidth(t, s)
	switch {
	case !known && d.Rows > 0 && d.Pages > 0 && !s.NeverCounted:
		data = math.Floor(packed/alignment) * alignment
	case !known:
		data = usualWidth
	}
	d.Data, d.Width = data, align(data)
	if most := pageBytes/max(perPage, 0.1) - linePointer; d.Width > most && perPage >= 1 {
		d.Data, d.Width = math.Floor(most), math.Floor(most) // the statistics are older than the rows
	}
	d.Free = max(pageBytes-perPage*(d.Width+linePointer)-deadPointers(d, s), 0)
	if s.Free >= 0 {
		d.Free = s.Free * pageBytes
	}
}

// deadPointers returns the bytes of a page that the line pointers of dead rows keep until a VACUUM.
func deadPointers(d *Table, s catalog.Stats) float64 {
	return s.DeadRows / max(d.Pages, 1) * linePointer
}

// dataWidth returns the average bytes of a row up to the end of its last value; known is false if ANALYZE has not seen all columns.
func dataWidth(t catalog.Table, s catalog.Stats) (bytes float64, known bool) {
	stats := map[string]catalog.ColumnStats{}
	nulls := false
	for _, c := range s.Columns {
		stats[c.Name] = c
		nulls = nulls || c.Nulls > 0
	}
	at := float64(tupleHeader)
	if nulls {
		at += math.Ceil(float64(t.Attributes) / 8) //nolint:mnd // a bit for each column
	}
	at = align(at)
	for _, c := range t.Columns {
		found, ok := stats[c.Name]
		if !ok {
			return 0, false
		}
		width := found.Width
		if width <= 0 && c.Length > 0 {
			width = float64(c.Length)
		}
		if share := 1 - found.Nulls; share > 0 {
			at += share * (width + padding(at, c, width))
		}
	}
	return at, len(t.Columns) > 0
}

// padding returns the bytes before a value. A short one of varying length is not aligned.
func padding(at float64, c catalog.Column, width float64) float64 {
	if c.Alignment <= 1 || c.Length < 0 && width <= longestShort {
		return 0
	}
	each := float64(c.Alignment)
	if at != math.Trunc(at) { // it differs from row to row
		return (each - 1) / 2 //nolint:mnd // on average
	}
	return math.Mod(each-math.Mod(at, each), each)
}

// Entry returns the average bytes of an entry of an index on the columns; "" is an expression.
func Entry(t catalog.Table, s catalog.Stats, columns []string) float64 {
	const expression = 16
	bytes := float64(entryHeader)
	for _, name := range columns {
		width := float64(expression)
		for _, c := range s.Columns {
			if c.Name == name {
				width = c.Width
			}
		}
		if c := t.Column(name); c != nil && c.Length > 0 {
			width = float64(c.Length)
		}
		bytes += width
	}
	return align(bytes)
}

// UUIDEntry is [Entry] for an index that has a uuid where the columns have an integer, or a column that does not exist yet.
func UUIDEntry(t catalog.Table, s catalog.Stats, columns []string) float64 {
	bytes := float64(entryHeader + uuidBytes)
	for _, name := range columns[1:] {
		bytes += Entry(t, s, []string{name}) - entryHeader
	}
	return align(bytes)
}

// Unfilled returns an estimate of the rows that have no value in a column. Without statistics of the column that is all of them.
func Unfilled(t catalog.Table, s catalog.Stats, column string) float64 {
	for _, c := range s.Columns {
		if c.Name == column {
			return max(t.Rows, 0) * c.Nulls
		}
	}
	return max(t.Rows, 0)
}
