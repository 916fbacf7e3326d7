package forecast

import (
	"math"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// run is the state of the tables after some groups.
type run struct {
	server Server
	tables map[string]*table
	groups []account
}

// table is a table as the groups so far have left it.
type table struct {
	Table
	index  float64 // bytes of all indexes
	before Table   // as it was before the run
	imaged bool    // a group has changed its pages, which are in the WAL in full
}

// account is what a group does: what costs time and WAL.
type account struct {
	cost   Cost
	growth float64 // bytes
	wal    wal
	effort effort
}

func newRun(server Server, tables []Table) *run {
	r := &run{server: server, tables: map[string]*table{}}
	for _, t := range tables {
		before := t
		t.Indexes = slices.Clone(t.Indexes) // they grow
		r.tables[t.Name] = &table{Table: t, index: t.indexBytes(), before: before}
	}
	return r
}

func (d Table) indexBytes() (bytes float64) {
	for _, i := range d.Indexes {
		bytes += i.Bytes
	}
	return bytes
}

// group adds a group and changes its tables.
func (r *run) group(g Group) {
	a := account{cost: Cost{Name: g.Name}}
	var inPlace float64
	for _, w := range g.Work {
		t := r.tables[w.Table]
		if t == nil {
			continue
		}
		a.cost.TableBefore += t.Bytes
		a.cost.IndexBefore += int64(t.index)
		if w.Fill != nil {
			inPlace += t.fill(*w.Fill, r.server, &a) * w.Fill.Rows
			a.cost.Rows += int64(w.Fill.Rows)
		}
		for _, b := range w.Builds {
			t.build(b, r.server, &a)
		}
		t.index = max(t.index-float64(w.Drops), 0)
		a.effort.scan(t.Rows * float64(w.Scans))
		a.effort.changes += w.Locked
		a.cost.TableAfter += t.Bytes
		a.cost.IndexAfter += int64(t.index)
	}
	if a.cost.Rows > 0 {
		a.cost.HeapOnly = inPlace / float64(a.cost.Rows)
	}
	a.growth = float64(a.cost.After() - a.cost.Before())
	r.groups = append(r.groups, a)
}

// fill fills a column of the table, and returns the share of heap-only updates.
func (t *table) fill(f Fill, s Server, a *account) float64 {
	rows, pages := max(f.Rows, 0), max(t.Pages, 1)
	wider := align(t.Data + uuidBytes)
	perPage := max(t.Rows/pages, 0.1)
	left := fillPage(perPage, t.Width, wider, t.Free, f.Bounds)
	if f.Moves {
		left = page{free: t.Free}
	}
	stayed := rows * left.inPlace
	moved := rows - stayed
	grown := moved * (wider + linePointer) / (pageBytes * t.Fill / 100)
	if f.Vacuum {
		// After each part the rows of the next part move to the pages that the last part has left.
		grown = min(grown, pages*(wider/t.Width-1)+grown*vacuumed)
	}
	a.wal.fill(t, f, stayed, moved, wider, s)
	a.effort.fill(t, f, stayed, moved)
	t.grow(moved, grown, rows/max(t.Rows, 1), left.free, wider, s.Major)
	return left.inPlace
}

// vacuumed is the share of the rows that move to new pages all the same: those of the first eighth, and of what two workers fill
// before a VACUUM has recorded the space. Measured.
const vacuumed = 0.22

// grow changes the size of the table after a filling that moved rows to new pages.
func (t *table) grow(moved, pages, filled, free, wider float64, major int) {
	for i := range t.Indexes {
		before := t.Indexes[i].Bytes
		if t.Indexes[i].Holds { // the old entries stay until a VACUUM, and the new ones are wider
			t.Indexes[i].Bytes = 2*before + moved*(align(t.Indexes[i].Entry+uuidBytes)+linePointer)/halfFill
			t.index += t.Indexes[i].Bytes - before
			continue
		}
		t.Indexes[i].Bytes = before * t.Indexes[i].splits(moved/max(t.Rows, 1), t.Rows/max(t.Pages, 1), major)
		t.index += t.Indexes[i].Bytes - before
	}
	t.Pages += pages
	t.Bytes += int64(pages * pageSize)
	t.Width += (wider - t.Width) * min(filled, 1)
	t.Data += uuidBytes * min(filled, 1)
	t.Free += (free - t.Free) * min(filled, 1)
}

// halfFill is how full index pages are that have split at random.
const halfFill = 0.75

// splits returns how many times as large an index is after a share of the rows got a second entry. Leaf pages have a tenth of their
// space free, and from 14 on the server removes entries of dead versions before it splits a page, best if they are of few pages of the
// table. Beyond that each leaf page splits, and both halves are half full.
func (i Index) splits(moved, perPage float64, major int) float64 {
	const (
		slack, removed, ordered = 0.1, 0.08, 0.3
		width                   = 0.1 // of the range in which pages split one after the other
		many                    = 60  // rows of a page of the table
		removes                 = 14  // the first version that removes such entries
	)
	limit := slack
	if major >= removes {
		limit += removed
		if !i.Scattered && perPage >= many {
			limit += ordered
		}
	}
	return 1 + min(max((moved-limit)/width, 0), 1)
}

// build builds an index.
func (t *table) build(b Build, s Server, a *account) {
	entry := align(b.Entry) + linePointer
	bytes := math.Ceil(b.Rows*entry/(leafBytes*leafFill)) * pageSize * (1 + 1/(leafBytes/entry)) // with the inner pages
	bytes += pageSize                                                                            // the meta page
	t.Indexes = append(t.Indexes, Index{Bytes: bytes, Entry: b.Entry, Scattered: true})
	t.index += bytes
	if !t.Unlogged {
		a.wal.build(bytes)
	}
	a.effort.build(t, b)
	if sort := b.Rows * (align(b.Entry) + sortHeader); sort > float64(s.MaintenanceMemory) {
		a.cost.Sort = max(a.cost.Sort, int64(sort))
	}
}

// sortHeader is what a sort's temporary file has for each entry in addition to it.
const sortHeader = 8

// result settles what depends on all groups: how many checkpoints the WAL of the run causes, and so how many pages are
// written to it in full once more.
func (r *run) result() Forecast {
	f := Forecast{Speed: r.server.Speed, All: Cost{Times: map[pace.Speed]time.Duration{}}}
	for i := range r.groups {
		a := &r.groups[i]
		a.cost.Times = map[pace.Speed]time.Duration{}
		for _, speed := range []pace.Speed{pace.Gentle, pace.Normal, pace.Full} {
			a.cost.Times[speed] = a.effort.time(r.server, speed)
			f.All.Times[speed] += a.cost.Times[speed]
		}
		a.cost.WAL, a.cost.Checkpoints = a.wal.total(r.server, a.cost.Times[pace.Normal])
		a.cost.Peak = r.peak(a.cost, a.growth)
		f.All.Rows += a.cost.Rows
		f.All.WAL += a.cost.WAL
		f.All.Checkpoints += a.cost.Checkpoints
		f.All.HeapOnly += a.cost.HeapOnly * float64(a.cost.Rows)
		f.All.Sort = max(f.All.Sort, a.cost.Sort)
		f.Groups = append(f.Groups, a.cost)
	}
	var growth, highest float64
	for _, a := range r.groups { // the files of a sort are gone before the next one
		growth += a.growth
		highest = max(highest, growth+float64(a.cost.Sort))
	}
	for _, t := range r.tables {
		f.All.TableBefore += t.before.Bytes
		f.All.IndexBefore += int64(t.before.indexBytes())
		f.All.TableAfter += t.Bytes
		f.All.IndexAfter += int64(t.index)
	}
	f.All.HeapOnly /= max(float64(f.All.Rows), 1)
	f.All.Peak = int64(max(highest, 0)) + r.server.keeps(f.All.WAL)
	return f
}

// peak returns the additional space that a group needs at the worst time.
func (r *run) peak(c Cost, growth float64) int64 {
	return int64(max(growth, 0)) + c.Sort + r.server.keeps(c.WAL)
}

// keeps returns how much larger the WAL directory becomes when so much WAL is written.
func (s Server) keeps(wal int64) int64 {
	if s.WALHeld && s.MaxHeld < 0 {
		return wal
	}
	if s.WALHeld {
		return min(wal, max(s.MaxHeld, s.MaxWAL))
	}
	return max(min(s.WALNow+wal, s.MaxWAL)-max(s.WALNow, s.MinWAL), 0)
}
