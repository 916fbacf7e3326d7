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
	key    int64         // of a key that is no integer, where it stands among the stretch's texts: these ascend as keys do
	raw    int64         // its time as the server keeps it
	stands order.Instant // its time, and then where it stands
	value  order.Value   // its own if it is filled by a UUIDv7, or the one that it is to get
	at     uint64        // its address: page and line
	bent   order.Adjustment
	null   bool // has no time
	filled bool
	v7     bool
	old    bool // not changed since before the survey
	chosen bool // gets the value
}

// stand gives each row, in the order of the keys, the instant at which it stands.
func stand(rows []row, l *order.Carrier) {
	for i := range rows {
		r := &rows[i]
		r.stands, r.bent, _ = l.InstantOf(r.stands, r.null)
	}
}

// byTime sorts rows as they are to stand.
func byTime(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.stands, b.stands), cmp.Compare(a.key, b.key))
	})
}

// groups calls for the rows of each instant of rows in their order.
func groups(rows []row, call func(at order.Instant, rows []row)) {
	for first := 0; first < len(rows); {
		end := first + 1
		for end < len(rows) && rows[end].stands == rows[first].stands {
			end++
		}
		call(rows[first].stands, rows[first:end])
		first = end
	}
}

// tallyOf counts the rows of one instant, in the order of their keys. Values that do not ascend, which
// rekey did not make, are left out of account, as they are by place.
func tallyOf(room order.Range, rows []row) (t order.Occupancy) {
	for i := range rows {
		r := &rows[i]
		if !r.filled {
			t.Unfilled++
			continue
		}
		position, ok := room.Position(r.value)
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
type placer struct {
	scale  order.Scale
	random *rand.Rand
	draws  []uint64
}

// place gives the unfilled rows of one instant, in the order of their keys, values inside the share, as
// far as it has room. Those that are filled already bound the others.
func (p *placer) place(room order.Range, share order.Share, rows []row) {
	fresh := !slices.ContainsFunc(rows, func(r row) bool { return r.filled })
	if n := len(rows) - 1; share.Edge && fresh && share.To > share.From {
		rows[n].value, rows[n].chosen = room.Value(share.To-1, p.random.Uint64()), true
		share.To--
		rows = rows[:n]
	}
	begin, from := 0, bound{position: share.From, value: room.Value(share.From, 0)}
	for i := range rows {
		if !rows[i].filled || !rows[i].v7 {
			continue
		}
		position, ok := room.Position(rows[i].value)
		if !ok || position >= share.To || rows[i].value.Before(from.value) {
			continue
		}
		p.fill(room, from, bound{position: position, value: rows[i].value}, rows[begin:i])
		begin, from = i+1, bound{position: position + 1, value: rows[i].value}
	}
	p.fill(room, from, bound{position: share.To, value: room.Value(share.To, 0)}, rows[begin:])
}

// bound is an end of a stretch of free positions, and the value that stands there.
type bound struct {
	position uint64
	value    order.Value
}

// fill gives the unfilled among the rows values between two bounds.
func (p *placer) fill(room order.Range, from, to bound, rows []row) {
	n := 0
	for i := range rows {
		if !rows[i].filled {
			n++
		}
	}
	p.draws = slices.Grow(p.draws[:0], n)[:n]
	give := func(i int) order.Value { return room.Value(from.position+p.draws[i], p.random.Uint64()) }
	if free := max(to.position, from.position) - from.position; !order.Draw(p.random, free, p.draws) {
		fine, ok := order.Between(p.random, from.value, to.value, n)
		if !ok {
			return
		}
		give = func(i int) order.Value { return fine[i] }
	}
	next := 0
	for i := range rows {
		if !rows[i].filled {
			rows[i].value, rows[i].chosen = give(next), true
			next++
		}
	}
}

// part is a stretch of instants of a region, with what is known of them.
type part struct {
	alone  []zone // in no other region
	shares []shareAt
	full   bool // the survey saw every row: what is in no share is in no other region
}

type shareAt struct {
	instant order.Instant
	order.Share
}

// region gives the rows of a region, which stand in their order, values as far as the survey knows how
// their instants are shared. The rest waits for the next, and so do rows that came to an instant when its
// room was divided without them.
func (p *placer) region(rows []row, in part) {
	next := 0
	groups(rows, func(at order.Instant, rows []row) {
		for next < len(in.shares) && in.shares[next].instant < at {
			next++
		}
		room := p.scale.Range(at)
		switch {
		case next < len(in.shares) && in.shares[next].instant == at:
			p.place(room, in.shares[next].Share, rows)
		case holds(in.alone, at), in.full && slices.ContainsFunc(rows, witness):
			p.place(room, order.Share{To: room.Slots()}, rows)
		}
	})
}

// witness is a row that the survey has seen at this very instant.
func witness(r row) bool { return r.old && !r.null }

// everywhere is the zone of a table that is one region.
func everywhere() []zone { return []zone{{math.MinInt64, math.MaxInt64}} }
