package order

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func source(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
}

func scale(t *rapid.T) Scale {
	return Scale{
		Unit:   rapid.SampledFrom([]int64{1, 10, 1000, 100_000, Second, Day}).Draw(t, "unit"),
		Cutoff: Instant(rapid.Int64Range(1, 4_102_444_800_000_000).Draw(t, "moment")),
	}
}

// A later instant's room stands behind an earlier one's, and no room reaches behind the moment's.
func TestRoomsStandInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scale(t)
		near := int64(s.Cutoff) + rapid.Int64Range(-3*s.Unit, 3*s.Unit).Draw(t, "near")
		times := []Instant{
			Instant(rapid.Int64().Draw(t, "a")), Instant(near),
			Instant(rapid.Int64Range(-10, 2*int64(s.Cutoff)).Draw(t, "c")), NegInfinity, Infinity,
		}
		slices.Sort(times)
		var before Instant
		for i, at := range times {
			at, _ := s.Clamp(at)
			values := s.Range(at)
			if values.Slots() == 0 || values.Random() < 32 {
				t.Fatalf("the room of %d has %d positions and %d random bits", at, values.Slots(), values.Random())
			}
			if i > 0 && at < before {
				t.Fatalf("%d bends before %d", at, before)
			}
			if i > 0 && at > before {
				last, first := s.Range(before).Value(s.Range(before).Slots()-1, math.MaxUint64), values.Value(0, 0)
				if !last.Before(first) {
					t.Fatalf("the room of %d reaches into that of %d", before, at)
				}
			}
			if last := values.Value(values.Slots()-1, math.MaxUint64); !(s.Cutoff + 1).After(last) {
				t.Fatalf("the room of %d reaches behind the moment", at)
			}
			before = at
		}
	})
}

// A value tells its time and its position, and uuids sort as values do.
func TestValuesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scale(t)
		at, _ := s.Clamp(Instant(rapid.Int64Range(0, int64(s.Cutoff)).Draw(t, "at")))
		values := s.Range(at)
		draw := func() (uint64, Value) {
			p := rapid.Uint64Range(0, values.Slots()-1).Draw(t, "position")
			return p, values.Value(p, rapid.Uint64().Draw(t, "random"))
		}
		p, v := draw()
		q, w := draw()
		got, v7 := FromUUID(v.UUID())
		if back, ok := values.Position(got); !v7 || !ok || back != p || got != v {
			t.Fatalf("%d comes back as %d", p, back)
		}
		a, b := v.UUID(), w.UUID()
		if p < q && bytes.Compare(a[:], b[:]) >= 0 {
			t.Fatalf("%x and %x are in no order", a, b)
		}
		millis := int64(v.time >> 12)
		if from := int64(at) / 1000; millis < from || millis > (int64(at)+s.Unit)/1000 {
			t.Fatalf("%d ms for %d", millis, at)
		}
	})
}

func TestCodesAreThoseOfTheFunction(t *testing.T) {
	at := Instant(time.Date(2024, 2, 29, 13, 37, 11, 123_456_000, time.UTC).UnixMicro())
	if got, want := code(at), uint64(int64(at)*512/125); got != want {
		t.Errorf("%d, not %d", got, want)
	}
	u := Scale{Unit: 1, Cutoff: Infinity}.Range(at).Value(0, 0).UUID()
	if millis := int64(u[0])<<40 | int64(u[1])<<32 | int64(u[2])<<24 | int64(u[3])<<16 | int64(u[4])<<8 | int64(u[5]); millis != int64(at)/1000 {
		t.Errorf("%d ms", millis)
	}
	if u[6]>>4 != 7 || u[8]>>6 != 2 {
		t.Errorf("%x is no UUIDv7", u)
	}
	u[6] = 0x40
	if _, ok := FromUUID(u); ok {
		t.Error("a UUIDv4 was read")
	}
}

func TestDrawsAscend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 1<<rapid.IntRange(0, 53).Draw(t, "bits")).Draw(t, "n")
		out := make([]uint64, rapid.IntRange(0, 300).Draw(t, "rows"))
		if ok := Draw(source(t), n, out); ok != (n >= uint64(len(out))) {
			t.Fatalf("%d of %d: %t", len(out), n, ok)
		} else if !ok {
			return
		}
		for i, p := range out {
			if p >= n || i > 0 && out[i-1] >= p {
				t.Fatalf("%d of %d: %d", len(out), n, out)
			}
		}
	})
}

// Whatever is there already, shares stand in the order of their parts, each with its own values inside
// and, where there are positions enough, with room for its rows.
func TestSharesStandInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.Uint64Range(1, 1<<53).Draw(t, "slots")
		parts := make([]Occupancy, rapid.IntRange(1, 20).Draw(t, "parts"))
		walls := rapid.SliceOfN(rapid.Uint64Range(0, slots-1), 2*len(parts), 2*len(parts)).Draw(t, "walls")
		slices.Sort(walls)
		fresh, rows := true, uint64(0)
		for i := range parts {
			parts[i] = Occupancy{Unfilled: rapid.Uint64Range(0, 1000).Draw(t, "rows")}
			rows += parts[i].Unfilled
			if first, last := walls[2*i], walls[2*i+1]; rapid.Bool().Draw(t, "filled") && (i == 0 || first > walls[2*i-1]) {
				parts[i].Filled, parts[i].First, parts[i].Last, fresh = true, first, last, false
			}
		}
		var end uint64
		for i, s := range Divide(source(t), slots, parts) {
			p := parts[i]
			switch {
			case s.From < end, s.To < s.From, s.To > slots:
				t.Fatalf("share %d is %+v, behind %d of %d", i, s, end, slots)
			case p.Filled && (p.First < s.From || p.Last >= s.To):
				t.Fatalf("share %d is %+v, and holds %+v", i, s, p)
			case fresh && rows <= slots && s.To-s.From < p.Unfilled:
				t.Fatalf("share %d is %+v, for %+v", i, s, p)
			}
			end = s.To
		}
	})
}

func TestFineValuesAscend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := Value{time: rapid.Uint64Range(0, 1<<60-2).Draw(t, "time"), rest: rapid.Uint64Range(0, 1<<62-1).Draw(t, "rest")}
		to := from
		to.rest += rapid.Uint64Range(0, 300).Draw(t, "width")
		if to.rest >= 1<<62 {
			to = Value{time: to.time + 1, rest: to.rest - 1<<62}
		}
		n := rapid.IntRange(0, 50).Draw(t, "n")
		free := new(big62).between(from, to)
		values, ok := Between(source(t), from, to, n)
		if ok != (free >= n) {
			t.Fatalf("%d values, %d free: %t", n, free, ok)
		}
		before := from
		for _, v := range values {
			if !before.Before(v) || !v.Before(to) {
				t.Fatalf("%v is not between %v and %v", v, before, to)
			}
			before = v
		}
	})
}

type big62 struct{}

func (big62) between(from, to Value) int {
	d := to.bigInt()
	return int(d.Sub(d, from.bigInt()).Int64()) - 1
}

// One position alone tells nothing: whichever row of however many, over shares as well, the rows of an
// instant are placed as if each had drawn a place of its own. So the place of a row picked at random is
// uniform, and two of k leave the same mean distance, a third, whatever k is.
func TestPlacesAreThoseOfIndependentDraws(t *testing.T) {
	for _, counts := range [][]uint64{{1}, {2}, {1, 1}, {3, 1}, {1, 1, 1, 1, 1}, {20, 1, 9}, {300, 500}} {
		const trials, slots, buckets = 20_000, 1 << 40, 20
		r := rand.New(rand.NewPCG(1, uint64(len(counts))))
		var hist [buckets]float64
		var distance float64
		for range trials {
			positions := drawPositions(r, slots, counts)
			i := r.IntN(len(positions))
			hist[positions[i]*buckets/slots]++
			if len(positions) > 1 {
				j := r.IntN(len(positions) - 1)
				if j >= i {
					j++
				}
				distance += math.Abs(float64(positions[i])-float64(positions[j])) / slots / trials
			}
		}
		chi := 0.0
		for _, n := range hist {
			const want = trials / buckets
			chi += (n - want) * (n - want) / want
		}
		if chi > 51 { // 19 degrees of freedom: once in 10,000
			t.Errorf("%v: chi-square %.1f, %v", counts, chi, hist)
		}
		if len(counts) > 1 && math.Abs(distance-1./3) > 0.01 {
			t.Errorf("%v: a mean distance of %.3f", counts, distance)
		}
	}
}

// place places the rows of an instant as its parts do.
func drawPositions(r *rand.Rand, slots uint64, counts []uint64) (positions []uint64) {
	parts := make([]Occupancy, len(counts))
	for i, n := range counts {
		parts[i].Unfilled = n
	}
	for i, s := range Divide(r, slots, parts) {
		some := make([]uint64, counts[i])
		if s.Edge {
			some[len(some)-1] = s.To - s.From - 1
			Draw(r, s.To-s.From-1, some[:len(some)-1])
		} else {
			Draw(r, s.To-s.From, some)
		}
		for _, p := range some {
			positions = append(positions, s.From+p)
		}
	}
	return positions
}
