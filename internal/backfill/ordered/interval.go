package ordered

import (
	"cmp"
	"slices"

	"github.com/rekey-pg/rekey/internal/order"
)

// interval is an interval of time, including both ends.
type interval struct{ from, to order.Instant }

// maxIntervals limits the intervals of a region. Each isolated time costs one.
const maxIntervals = 64

// cover returns intervals that contain all instants, which must ascend. It leaves out their largest gaps.
func cover(instants []order.Instant) []interval {
	if len(instants) == 0 {
		return nil
	}
	type gap struct {
		at    int
		width uint64
	}
	gaps := make([]gap, 0, maxIntervals)
	for i := 1; i < len(instants); i++ {
		g := gap{at: i, width: uint64(instants[i]) - uint64(instants[i-1])}
		switch {
		case len(gaps) < maxIntervals-1:
		case g.width <= gaps[len(gaps)-1].width:
			continue
		default:
			gaps = gaps[:len(gaps)-1]
		}
		to, _ := slices.BinarySearchFunc(gaps, g, func(a, b gap) int { return cmp.Compare(b.width, a.width) })
		gaps = slices.Insert(gaps, to, g)
	}
	slices.SortFunc(gaps, func(a, b gap) int { return cmp.Compare(a.at, b.at) })
	var intervals []interval
	first := 0
	for _, g := range gaps {
		intervals = append(intervals, interval{instants[first], instants[g.at-1]})
		first = g.at
	}
	return append(intervals, interval{instants[first], instants[len(instants)-1]})
}

// overlaps returns the intervals in which two or more regions may have rows.
func overlaps(regions []region) []interval {
	type edge struct {
		at    order.Instant
		depth int // change of the number of regions
	}
	var edges []edge
	for _, r := range regions {
		for _, z := range r.intervals {
			edges = append(edges, edge{z.from, 1}, edge{z.to, -1})
		}
	}
	// At the same instant starts sort before ends, because intervals include both.
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.depth, a.depth))
	})
	var intervals []interval
	depth := 0
	for _, e := range edges {
		depth += e.depth
		switch {
		case e.depth > 0 && depth == 2:
			intervals = append(intervals, interval{from: e.at})
		case e.depth < 0 && depth == 1:
			intervals[len(intervals)-1].to = e.at
		}
	}
	return merge(intervals)
}

// merge merges intervals that touch. They must be sorted.
func merge(intervals []interval) []interval {
	var all []interval
	for _, z := range intervals {
		if n := len(all); n > 0 && all[n-1].to >= z.from {
			all[n-1].to = max(all[n-1].to, z.to)
			continue
		}
		all = append(all, z)
	}
	return all
}

// subtract returns the parts of intervals outside others. If there are too many parts, it omits some.
func subtract(intervals, others []interval) []interval {
	var rest []interval
	for _, z := range intervals {
		from, covered := z.from, false
		at, _ := slices.BinarySearchFunc(others, z.from, func(o interval, at order.Instant) int { return cmp.Compare(o.to, at) })
		for ; at < len(others) && others[at].from <= z.to; at++ {
			if others[at].from > from {
				rest = append(rest, interval{from, others[at].from - 1})
			}
			if covered = others[at].to >= z.to; covered {
				break
			}
			from = others[at].to + 1
		}
		if !covered {
			rest = append(rest, interval{from, z.to})
		}
		if len(rest) >= maxIntervals {
			return rest
		}
	}
	return rest
}

// intersect reports whether one of the intervals overlaps one of the others.
func intersect(intervals, others []interval) bool {
	return slices.ContainsFunc(intervals, func(z interval) bool {
		i, _ := slices.BinarySearchFunc(others, z.from, func(o interval, at order.Instant) int { return cmp.Compare(o.to, at) })
		return i < len(others) && others[i].from <= z.to
	})
}

// contains reports whether one of the intervals contains an instant.
func contains(intervals []interval, at order.Instant) bool {
	i, _ := slices.BinarySearchFunc(intervals, at, func(z interval, at order.Instant) int { return cmp.Compare(z.to, at) })
	return i < len(intervals) && intervals[i].from <= at
}
