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
	key        int64         // of a key that is no integer, where it stands among the stretch's texts: these ascend as keys do
	raw        int64         // its time as the server keeps it
	instant    order.Instant // its time, and then where it stands
	value      order.Value   // its own if it is filled by a UUIDv7, or the one that it is to get
	address    uint64        // its address: page and line
	adjustment order.Adjustment
	null       bool // has no time
	filled     bool
	v7         bool
	unchanged  bool // not changed since before the survey
	chosen     bool // gets the value
}

// stand gives each row, in the order of the keys, the instant at which it stands.
func assignInstants(rows []row, l *order.Carrier) {
	for i := range rows {
		r := &rows[i]
		r.instant, r.adjustment, _ = l.InstantOf(r.instant, r.null)
	}
}

// byTime sorts rows as they are to stand.
func sortByTime(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.instant, b.instant), cmp.Compare(a.key, b.key))
	})
}

// groups calls for the rows of each instant of rows in their order.
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

// tallyOf counts the rows of one instant, in the order of their keys. Values that do not ascend, which
// rekey did not make, are left out of account, as they are by place.
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

// placer gives rows their values.
type assigner struct {
	scale  order.Scale
	random *rand.Rand
	draws  []uint64
}

// place gives the unfilled rows of one instant, in the order of their keys, values inside the share, as
// far as it has room. Those that are filled already bound the others.
func (p *assigner) assign(values order.Range, share order.Share, rows []row) {
	fresh := !slices.ContainsFunc(rows, func(r row) bool { return r.filled })
	if n := len(rows) - 1; share.Edge && fresh && share.To > share.From {
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

// bound is an end of a stretch of free positions, and the value that stands there.
type limit struct {
	position uint64
	value    order.Value
}

// fill gives the unfilled among the rows values between two bounds.
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

// part is a stretch of instants of a region, with what is known of them.
type knownInstants struct {
	exclusive []interval // in no other region
	shares    []instantShare
	complete  bool // the survey saw every row: what is in no share is in no other region
}

type instantShare struct {
	instant order.Instant
	order.Share
}

// region gives the rows of a region, which stand in their order, values as far as the survey knows how
// their instants are shared. The rest waits for the next, and so do rows that came to an instant when its
// room was divided without them.
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

// witness is a row that the survey has seen at this very instant.
func surveyed(r row) bool { return r.unchanged && !r.null }

// everywhere is the zone of a table that is one region.
func allTime() []interval { return []interval{{math.MinInt64, math.MaxInt64}} }
