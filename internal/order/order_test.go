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
		Cutoff: Instant(rapid.Int64Range(1, 4_102_444_800_000_000).Draw(t, "cutoff")),
	}
}

// The range of a later instant follows the range of an earlier one, and no range extends past the cutoff.
func TestRangesAscend(t *testing.T) {
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
				t.Fatalf("the range of %d has %d positions and %d random bits", at, values.Slots(), values.Random())
			}
			if i > 0 && at < before {
				t.Fatalf("%d is clamped to before %d", at, before)
			}
			if i > 0 && at > before {
				last, first := s.Range(before).Value(s.Range(before).Slots()-1, math.MaxUint64), values.Value(0, 0)
				if !last.Before(first) {
					t.Fatalf("the range of %d overlaps the range of %d", before, at)
				}
			}
			if last := values.Value(values.Slots()-1, math.MaxUint64); !(s.Cutoff + 1).After(last) {
				t.Fatalf("the range of %d extends past the cutoff", at)
			}
			before = at
		}
	})
}

// A value keeps its time and its position, and uuids sort as values do.
func TestValueRoundTrip(t *testing.T) {
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
			t.Fatalf("position %d became %d", p, back)
		}
		a, b := v.UUID(), w.UUID()
		if p < q && bytes.Compare(a[:], b[:]) >= 0 {
			t.Fatalf("%x does not sort before %x", a, b)
		}
		millis := int64(v.time >> 12)
		if from := int64(at) / 1000; millis < from || millis > (int64(at)+s.Unit)/1000 {
			t.Fatalf("instant %d has the value of %d ms", at, millis)
		}
	})
}

func TestCodesMatchTheSQLFunction(t *testing.T) {
	at := Instant(time.Date(2024, 2, 29, 13, 37, 11, 123_456_000, time.UTC).UnixMicro())
	if got, want := code(at), uint64(int64(at)*512/125); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	u := Scale{Unit: 1, Cutoff: Infinity}.Range(at).Value(0, 0).UUID()
	if millis := int64(u[0])<<40 | int64(u[1])<<32 | int64(u[2])<<24 | int64(u[3])<<16 | int64(u[4])<<8 | int64(u[5]); millis != int64(at)/1000 {
		t.Errorf("the value has the time %d ms", millis)
	}
	if u[6]>>4 != 7 || u[8]>>6 != 2 {
		t.Errorf("%x is not a UUIDv7", u)
	}
	u[6] = 0x40
	if _, ok := FromUUID(u); ok {
		t.Error("a UUIDv4 was parsed as a UUIDv7")
	}
}

func TestDrawsAscend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 1<<rapid.IntRange(0, 53).Draw(t, "bits")).Draw(t, "n")
		out := make([]uint64, rapid.IntRange(0, 300).Draw(t, "rows"))
		if ok := Draw(source(t), n, out); ok != (n >= uint64(len(out))) {
			t.Fatalf("drawing %d of %d returned %t", len(out), n, ok)
		} else if !ok {
			return
		}
		for i, p := range out {
			if p >= n || i > 0 && out[i-1] >= p {
				t.Fatalf("drawing %d of %d returned %d", len(out), n, out)
			}
		}
	})
}

// Shares ascend with their regions and contain any values of their regions. If there are enough positions,
// each share is large enough for its rows.
func TestSharesAscend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.Uint64Range(1, 1<<53).Draw(t, "slots")
		regions := make([]Occupancy, rapid.IntRange(1, 20).Draw(t, "regions"))
		ends := rapid.SliceOfN(rapid.Uint64Range(0, slots-1), 2*len(regions), 2*len(regions)).Draw(t, "ends")
		slices.Sort(ends)
		empty, rows := true, uint64(0)
		for i := range regions {
			regions[i] = Occupancy{Unfilled: rapid.Uint64Range(0, 1000).Draw(t, "rows")}
			rows += regions[i].Unfilled
			if first, last := ends[2*i], ends[2*i+1]; rapid.Bool().Draw(t, "filled") && (i == 0 || first > ends[2*i-1]) {
				regions[i].Filled, regions[i].First, regions[i].Last, empty = true, first, last, false
			}
		}
		var end uint64
		for i, s := range Divide(source(t), slots, regions) {
			p := regions[i]
			switch {
			case s.From < end, s.To < s.From, s.To > slots:
				t.Fatalf("share %d is %+v, after %d of %d", i, s, end, slots)
			case p.Filled && (p.First < s.From || p.Last >= s.To):
				t.Fatalf("share %d is %+v, for %+v", i, s, p)
			case empty && rows <= slots && s.To-s.From < p.Unfilled:
				t.Fatalf("share %d is %+v, for %+v", i, s, p)
			}
			end = s.To
		}
	})
}

func TestBetweenAscends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := Value{time: rapid.Uint64Range(0, 1<<60-2).Draw(t, "time"), rest: rapid.Uint64Range(0, 1<<62-1).Draw(t, "rest")}
		to := from
		to.rest += rapid.Uint64Range(0, 300).Draw(t, "width")
		if to.rest >= 1<<62 {
			to = Value{time: to.time + 1, rest: to.rest - 1<<62}
		}
		n := rapid.IntRange(0, 50).Draw(t, "n")
		free := valuesBetween(from, to)
		values, ok := Between(source(t), from, to, n)
		if ok != (free >= n) {
			t.Fatalf("asking for %d of %d free values returned %t", n, free, ok)
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

// valuesBetween returns how many values lie strictly between two others.
func valuesBetween(from, to Value) int {
	d := to.bigInt()
	return int(d.Sub(d, from.bigInt()).Int64()) - 1
}

// The position of one row reveals nothing about the other rows: also across shares, rows are distributed as if each had
// drawn its own position. So the position of a random row is uniform, and the mean distance between two rows is a third,
// however many there are.
func TestPositionsAreIndependent(t *testing.T) {
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
		if chi > 51 { // 19 degrees of freedom: exceeded once in 10,000 runs
			t.Errorf("%v: chi-square %.1f, %v", counts, chi, hist)
		}
		if len(counts) > 1 && math.Abs(distance-1./3) > 0.01 {
			t.Errorf("%v: the mean distance is %.3f", counts, distance)
		}
	}
}

// drawPositions draws the positions of an instant's rows, counts[i] of them in region i.
func drawPositions(r *rand.Rand, slots uint64, counts []uint64) (positions []uint64) {
	regions := make([]Occupancy, len(counts))
	for i, n := range counts {
		regions[i].Unfilled = n
	}
	for i, s := range Divide(r, slots, regions) {
		drawn := make([]uint64, counts[i])
		if s.Edge {
			drawn[len(drawn)-1] = s.To - s.From - 1
			Draw(r, s.To-s.From-1, drawn[:len(drawn)-1])
		} else {
			Draw(r, s.To-s.From, drawn)
		}
		for _, p := range drawn {
			positions = append(positions, s.From+p)
		}
	}
	return positions
}
