package order

import "math/rand/v2"

// Occupancy describes the rows that one region of a table has at an instant.
type Occupancy struct {
	Unfilled    uint64
	Filled      bool   // some rows have a value in the instant's range
	First, Last uint64 // the lowest and highest position of those values
}

// Share is the part of an instant's range that belongs to one region: the positions from From up to, not including, To.
type Share struct {
	From, To uint64
	// Edge says that the region's last row takes the share's last position. The rows of all shares are then distributed
	// as if drawn at once, and the position of an edge does not reveal how many rows there are.
	Edge bool
}

// Divide divides an instant's range of slots positions among the regions with rows at that instant, in the order of their
// keys. Each share contains the values that its region already has, except those that contradict an earlier region's.
func Divide(r *rand.Rand, slots uint64, regions []Occupancy) []Share {
	d := division{r: r, regions: regions, shares: make([]Share, len(regions))}
	var from uint64
	first := 0 // the region whose share begins at from
	for i, p := range regions {
		if p.Filled && p.Last >= from && p.Last < slots {
			d.gap(from, max(p.First, from), first, i)
			from, first = p.Last+1, i
		}
	}
	d.gap(from, slots, first, len(regions)-1)
	return d.shares
}

// division is the state of Divide.
type division struct {
	r       *rand.Rand
	regions []Occupancy
	shares  []Share
	started bool
}

// gap divides the positions between two existing values among the regions first to last. If there is a gap before this
// one, the share of first began there.
func (d *division) gap(from, to uint64, first, last int) {
	var rows uint64
	for _, p := range d.regions[first : last+1] {
		rows += p.Unfilled
	}
	for i := first; i <= last; i++ {
		s := &d.shares[i]
		if i > first || !d.started {
			s.From = from
		}
		s.To, s.Edge = to, false
		if count := d.regions[i].Unfilled; i < last {
			s.To, s.Edge = split(d.r, from, to, count, rows)
			rows -= count
		}
		from = s.To
	}
	d.started = true
}

// split returns the end of the share of the first count of rows rows: one past the position drawn for the last of them.
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
