package order

import "math/rand/v2"

// Tally is what one part of a table holds of an instant.
type Occupancy struct {
	Unfilled    uint64
	Filled      bool   // there are values in the instant's room
	First, Last uint64 // their outermost positions
}

// Share is the part of a room that belongs to one part of the table: positions from From on, below To.
type Share struct {
	From, To uint64
	// Edge says that the last row is to stand at the last position. So the rows of all shares are placed
	// as if all of them had been drawn at once, and the edge tells nothing of how many they are.
	Edge bool
}

// Divide divides a room among the parts of a table that hold rows of its instant, in the order of their
// keys. Values that are there already stay inside their own part's share. Those that contradict an earlier
// part's are left out of account.
func Divide(r *rand.Rand, slots uint64, parts []Occupancy) []Share {
	d := division{r: r, parts: parts, shares: make([]Share, len(parts))}
	var from uint64
	first := 0 // the part that stands at from
	for i, p := range parts {
		if p.Filled && p.Last >= from && p.Last < slots {
			d.gap(from, max(p.First, from), first, i)
			from, first = p.Last+1, i
		}
	}
	d.gap(from, slots, first, len(parts)-1)
	return d.shares
}

// division is a room that is being divided.
type division struct {
	r       *rand.Rand
	parts   []Occupancy
	shares  []Share
	started bool
}

// gap divides the positions between two values among the parts from one to the other. The share of the
// first has begun in the gap before, if there was one.
func (d *division) gap(from, to uint64, first, last int) {
	var rows uint64
	for _, p := range d.parts[first : last+1] {
		rows += p.Unfilled
	}
	for i := first; i <= last; i++ {
		s := &d.shares[i]
		if i > first || !d.started {
			s.From = from
		}
		s.To, s.Edge = to, false
		if count := d.parts[i].Unfilled; i < last {
			s.To, s.Edge = split(d.r, from, to, count, rows)
			rows -= count
		}
		from = s.To
	}
	d.started = true
}

// split gives the end of the share of the first count rows of so many: behind the position of its last.
func split(r *rand.Rand, from, to, count, rows uint64) (end uint64, edge bool) {
	slots := to - from
	switch {
	case count == 0:
		return from, false
	case count == rows:
		return to, false
	case rows > slots:
		return from + uint64(float64(slots)*(float64(count)/float64(rows))), false
	}
	at := uint64(rank(r, count, rows) * float64(slots))
	return from + min(max(at+1, count), slots-(rows-count)), true
}
