package ordered

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/rekey-pg/rekey/internal/order"
)

// row is a row of a region.
type row struct {
	key        int64         // an integer key; otherwise the offset of the key's texts in the buffer, which ascends as keys do
	raw        int64         // time in the server's binary format
	instant    order.Instant // as read, and after assignInstants as used
	value      order.Value   // of the row, or the one chosen for it
	address    uint64        // ctid: page and line
	adjustment order.Adjustment
	null       bool // has no time
	filled     bool
	v7         bool
	unchanged  bool // since before the survey
	chosen     bool // to be filled with value
}

// assignInstants sets the instant of each row. The rows are in the order of their keys.
func assignInstants(rows []row, l *order.Carrier) {
	for i := range rows {
		r := &rows[i]
		r.instant, r.adjustment, _ = l.InstantOf(r.instant, r.null)
	}
}

// sortByTime sorts rows by instant and key, the order of their values.
func sortByTime(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.instant, b.instant), cmp.Compare(a.key, b.key))
	})
}

// eachInstant calls a function with the rows of each instant. The rows are in the order of their instants.
func eachInstant(rows []row, call func(at order.Instant, rows []row)) {
	for first := 0; first < len(rows); {
		end := first + 1
		for end < len(rows) && rows[end].instant == rows[first].instant {
			end++
		}
		call(rows[first].instant, rows[first:end])
		first = end
	}
}

// occupancyOf returns the occupancy of one instant by its rows, which are in the order of their keys. It ignores values that
// do not ascend, as assign does: rekey did not generate them.
func occupancyOf(values order.Range, rows []row) (t order.Occupancy) {
	for i := range rows {
		r := &rows[i]
		if !r.filled {
			t.Unfilled++
			continue
		}
		position, ok := values.Position(r.value)
		switch {
		case !r.v7 || !ok || t.Filled && position <= t.Last:
		case t.Filled:
			t.Last = position
		default:
			t.Filled, t.First, t.Last = true, position, position
		}
	}
	return t
}

// assigner chooses values for rows. It is not safe for concurrent use.
type assigner struct {
	scale  order.Scale
	random *rand.Rand
	draws  []uint64
}

// assign chooses values inside a share for the unfilled rows of one instant, which are in the order of their keys, as far as
// there are free values. The values of filled rows limit their neighbours' values.
func (p *assigner) assign(values order.Range, share order.Share, rows []row) {
	empty := !slices.ContainsFunc(rows, func(r row) bool { return r.filled })
	if n := len(rows) - 1; share.Edge && empty && share.To > share.From {
		rows[n].value, rows[n].chosen = values.Value(share.To-1, p.random.Uint64()), true
		share.To--
		rows = rows[:n]
	}
	start, from := 0, limit{position: share.From, value: values.Value(share.From, 0)}
	for i := range rows {
		if !rows[i].filled || !rows[i].v7 {
			continue
		}
		position, ok := values.Position(rows[i].value)
		if !ok || position >= share.To || rows[i].value.Before(from.value) {
			continue
		}
		p.assignBetween(values, from, limit{position: position, value: rows[i].value}, rows[start:i])
		start, from = i+1, limit{position: position + 1, value: rows[i].value}
	}
	p.assignBetween(values, from, limit{position: share.To, value: values.Value(share.To, 0)}, rows[start:])
}

// limit is one end of a range of free positions, and the value at that end.
type limit struct {
	position uint64
	value    order.Value
}

// assignBetween chooses values between two limits for the unfilled rows.
func (p *assigner) assignBetween(values order.Range, from, to limit, rows []row) {
	n := 0
	for i := range rows {
		if !rows[i].filled {
			n++
		}
	}
	p.draws = slices.Grow(p.draws[:0], n)[:n]
	value := func(i int) order.Value { return values.Value(from.position+p.draws[i], p.random.Uint64()) }
	if free := max(to.position, from.position) - from.position; !order.Draw(p.random, free, p.draws) {
		drawn, ok := order.Between(p.random, from.value, to.value, n)
		if !ok {
			return
		}
		value = func(i int) order.Value { return drawn[i] }
	}
	next := 0
	for i := range rows {
		if !rows[i].filled {
			rows[i].value, rows[i].chosen = value(next), true
			next++
		}
	}
}

// knownInstants is what is known of the instants of a region.
type knownInstants struct {
	exclusive []interval // no other region has rows in these
	shares    []instantShare
	complete  bool // the survey read every row: an instant without a share is in no other region
}

type instantShare struct {
	instant order.Instant
	order.Share
}

// assignRegion chooses values for the rows of a region, which are sorted by time, at the instants whose division among the
// regions is known. The other rows are left to the next round, among them rows that reached an instant after it was divided.
func (p *assigner) assignRegion(rows []row, known knownInstants) {
	next := 0
	eachInstant(rows, func(at order.Instant, rows []row) {
		for next < len(known.shares) && known.shares[next].instant < at {
			next++
		}
		values := p.scale.Range(at)
		switch {
		case next < len(known.shares) && known.shares[next].instant == at:
			p.assign(values, known.shares[next].Share, rows)
		case contains(known.exclusive, at), known.complete && slices.ContainsFunc(rows, surveyed):
			p.assign(values, order.Share{To: values.Slots()}, rows)
		}
	})
}

// surveyed reports whether the survey read the row with its present instant.
func surveyed(r row) bool { return r.unchanged && !r.null }

// allTime returns the interval of a table with only one region.
func allTime() []interval { return []interval{{math.MinInt64, math.MaxInt64}} }
