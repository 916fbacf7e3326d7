package ordered

import (
	"cmp"
	"slices"

	"github.com/rekey-pg/rekey/internal/order"
)

// zone is a stretch of time, with both its ends.
type zone struct{ from, to order.Instant }

// mostZones bounds what is remembered of a region's times: a stray one costs one zone.
const mostZones = 64

// cover gives zones that hold all the instants, which ascend: the stretches between their largest gaps.
func cover(instants []order.Instant) []zone {
	if len(instants) == 0 {
		return nil
	}
	type gap struct {
		at   int
		wide uint64
	}
	gaps := make([]gap, 0, mostZones)
	for i := 1; i < len(instants); i++ {
		g := gap{at: i, wide: uint64(instants[i]) - uint64(instants[i-1])}
		switch {
		case len(gaps) < mostZones-1:
		case g.wide <= gaps[len(gaps)-1].wide:
			continue
		default:
			gaps = gaps[:len(gaps)-1]
		}
		to, _ := slices.BinarySearchFunc(gaps, g, func(a, b gap) int { return cmp.Compare(b.wide, a.wide) })
		gaps = slices.Insert(gaps, to, g)
	}
	slices.SortFunc(gaps, func(a, b gap) int { return cmp.Compare(a.at, b.at) })
	var zones []zone
	first := 0
	for _, g := range gaps {
		zones = append(zones, zone{instants[first], instants[g.at-1]})
		first = g.at
	}
	return append(zones, zone{instants[first], instants[len(instants)-1]})
}

// crossing gives the zones that lie in the covers of two or more regions.
func crossing(regions []region) []zone {
	type edge struct {
		at   order.Instant
		step int
	}
	var edges []edge
	for _, r := range regions {
		for _, z := range r.cover {
			edges = append(edges, edge{z.from, 1}, edge{z.to, -1})
		}
	}
	// At one instant what begins comes before what ends: both hold it.
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.step, a.step))
	})
	var zones []zone
	depth := 0
	for _, e := range edges {
		depth += e.step
		switch {
		case e.step > 0 && depth == 2:
			zones = append(zones, zone{from: e.at})
		case e.step < 0 && depth == 1:
			zones[len(zones)-1].to = e.at
		}
	}
	return join(zones)
}

// join makes one zone of two that touch.
func join(zones []zone) []zone {
	var all []zone
	for _, z := range zones {
		if n := len(all); n > 0 && all[n-1].to >= z.from {
			all[n-1].to = max(all[n-1].to, z.to)
			continue
		}
		all = append(all, z)
	}
	return all
}

// without gives what of the zones does not lie in others. It gives too little rather than too many.
func without(own, others []zone) []zone {
	var rest []zone
	for _, z := range own {
		from, over := z.from, false
		at, _ := slices.BinarySearchFunc(others, z.from, func(o zone, at order.Instant) int { return cmp.Compare(o.to, at) })
		for ; at < len(others) && others[at].from <= z.to; at++ {
			if others[at].from > from {
				rest = append(rest, zone{from, others[at].from - 1})
			}
			if over = others[at].to >= z.to; over {
				break
			}
			from = others[at].to + 1
		}
		if !over {
			rest = append(rest, zone{from, z.to})
		}
		if len(rest) >= mostZones {
			return rest
		}
	}
	return rest
}

// meet reports whether one of the zones touches one of the others.
func meet(zones, others []zone) bool {
	return slices.ContainsFunc(zones, func(z zone) bool {
		i, _ := slices.BinarySearchFunc(others, z.from, func(o zone, at order.Instant) int { return cmp.Compare(o.to, at) })
		return i < len(others) && others[i].from <= z.to
	})
}

// holds reports whether an instant lies in one of the zones.
func holds(zones []zone, at order.Instant) bool {
	i, _ := slices.BinarySearchFunc(zones, at, func(z zone, at order.Instant) int { return cmp.Compare(z.to, at) })
	return i < len(zones) && zones[i].from <= at
}
