package ordered

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rekey-pg/rekey/internal/order"
)

// drawInstants draws the instants of some regions.
func drawInstants(t *rapid.T) (regions []region, instants [][]order.Instant) {
	for range rapid.IntRange(1, 6).Draw(t, "regions") {
		drawn := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) order.Instant {
			return order.Instant(rapid.SampledFrom([]int64{0, 1, 1000, 5_000_000}).Draw(t, "base") + rapid.Int64Range(0, 300).Draw(t, "offset"))
		}), 0, 200).Draw(t, "instants")
		slices.Sort(drawn)
		drawn = slices.Compact(drawn)
		instants = append(instants, drawn)
		regions = append(regions, region{intervals: cover(drawn)})
	}
	return regions, instants
}

// A cover contains its own instants, overlaps contain what two regions share, and exclusive intervals contain no instant of
// another region.
func TestIntervalsMissNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		regions, instants := drawInstants(t)
		shared := overlaps(regions)
		for i, r := range regions {
			if len(r.intervals) > maxIntervals || !slices.IsSortedFunc(r.intervals, func(a, b interval) int { return int(a.from - b.to) }) {
				t.Fatalf("the cover is %v, which is too long or not sorted", r.intervals)
			}
			exclusive := subtract(r.intervals, shared)
			for _, at := range instants[i] {
				if !contains(r.intervals, at) || !contains(shared, at) && len(exclusive) < maxIntervals && !contains(exclusive, at) {
					t.Fatalf("%d is in none of %v, %v and %v", at, r.intervals, shared, exclusive)
				}
			}
			for j, others := range instants {
				for _, at := range others {
					if i != j && contains(exclusive, at) {
						t.Fatalf("%d is in region %d and exclusive in %d", at, j, i)
					}
					if _, both := slices.BinarySearch(instants[i], at); i != j && both && !contains(shared, at) {
						t.Fatalf("%d is in two regions and not in their overlaps %v", at, shared)
					}
				}
				if touch := slices.ContainsFunc(instants[j], func(at order.Instant) bool { return contains(r.intervals, at) }); touch && !intersect(r.intervals, regions[j].intervals) {
					t.Fatalf("%v and %v do not intersect", r.intervals, regions[j].intervals)
				}
			}
		}
	})
}

func TestDuplicateFilter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, instants := drawInstants(t)
		s := newDuplicateFilter(1)
		count := map[order.Instant]int{}
		for _, drawn := range instants {
			for _, at := range drawn {
				s.add(at)
				count[at]++
			}
		}
		for at, n := range count {
			if n > 1 && !s.duplicate(at) {
				t.Fatalf("%d was added %d times and is no duplicate", at, n)
			}
		}
	})
	s, wrong := newDuplicateFilter(1e6), 0
	for i := range 1_000_000 {
		s.add(order.Instant(i) * order.Instant(order.Second))
	}
	for i := range 1_000_000 {
		if s.duplicate(order.Instant(i) * order.Instant(order.Second)) {
			wrong++
		}
	}
	if wrong > 100_000 {
		t.Errorf("%d of a million whole seconds are false duplicates", wrong)
	}
}

func TestPrecedes(t *testing.T) {
	for _, c := range []struct {
		xid, horizon uint32
		want         bool
	}{{2, 1000, true}, {999, 1000, true}, {1000, 1000, false}, {1001, 1000, false}, {1<<32 - 10, 5, true}, {5, 1<<32 - 10, false}} {
		if got := precedes(c.xid, c.horizon); got != c.want {
			t.Errorf("%d precedes %d: got %t", c.xid, c.horizon, got)
		}
	}
}

// Rows of an instant sort as their keys, in any order of filling.
func TestAssignedValuesAscend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := order.Scale{Unit: 1, Cutoff: order.Infinity}
		p := (&method{scale: scale}).newAssigner()
		values := scale.Range(1_000_000)
		width := rapid.SampledFrom([]uint64{3, 10, 1000, values.Slots()}).Draw(t, "width")
		share := order.Share{From: rapid.Uint64Range(0, values.Slots()-width).Draw(t, "from"), Edge: rapid.Bool().Draw(t, "edge")}
		share.To = share.From + width
		all := make([]row, rapid.IntRange(1, 60).Draw(t, "rows"))
		for i := range all {
			all[i] = row{key: int64(i), instant: 1_000_000}
		}
		for range 20 {
			p.assign(values, share, all)
			for i := range all {
				if all[i].chosen && !all[i].filled && rapid.Bool().Draw(t, "written") {
					all[i].filled, all[i].v7 = true, true
				}
				all[i].chosen = false
			}
		}
		var before *row
		for i := range all {
			if !all[i].filled {
				continue
			}
			if before != nil && !before.value.Before(all[i].value) {
				t.Fatalf("row %d sorts before row %d", i, before.key)
			}
			before = &all[i]
			if position, ok := values.Position(all[i].value); !ok || position < share.From || position >= share.To {
				t.Fatalf("row %d has position %d, outside %v", i, position, share)
			}
		}
	})
}
