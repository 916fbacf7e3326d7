package ident

import (
	"bytes"
	"math/bits"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func (u UUID) compare(other UUID) int { return bytes.Compare(u[:], other[:]) }

// tail returns the 62 bits of rand_b.
func (u UUID) tail() uint64 {
	var tail uint64
	for _, b := range u[8:] {
		tail = tail<<8 | uint64(b)
	}
	return tail & (1<<tailBits - 1)
}

// tick returns the 60 bits of the time and rand_a.
func (u UUID) tick() uint64 {
	var high uint64
	for _, b := range u[:8] {
		high = high<<8 | uint64(b)
	}
	return high>>16<<tickBits | high&(1<<tickBits-1)
}

// tickOfNanoseconds computes the tick as PostgreSQL 18's uuidv7() does: the millisecond, and the rest in 4096ths of
// it.
func tickOfNanoseconds(n int64) uint64 {
	return uint64(n)/1e6<<12 | uint64(n)%1e6*4096/1e6
}

func TestNewV7HasCurrentTime(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	u := NewV7()
	after := time.Now()
	if at, ok := Time(u); !ok || at.Before(before) || at.After(after) {
		t.Errorf("%s has the time %v, created between %v and %v", u, at, before, after)
	}
}

func TestNewV7Ascends(t *testing.T) {
	last := UUID{}
	for range 200_000 {
		u := NewV7()
		if u.compare(last) <= 0 {
			t.Fatalf("%s follows %s", u, last)
		}
		last = u
	}
}

// The clock may go forward, go back or stop, also before 1970.
func TestNewV7AscendsForAnyClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g Generator
		now := rapid.Int64Range(-1e9, 4e18).Draw(t, "start")
		var last UUID
		var newest int64
		for _, step := range rapid.SliceOf(steps()).Draw(t, "steps") {
			now += step
			u := g.after(now)
			if u.compare(last) <= 0 {
				t.Fatalf("%s follows %s", u, last)
			}
			newest = max(newest+1, now)
			if u.tick() != tickOfNanoseconds(newest) {
				t.Fatalf("%s has the tick %d, want %d", u, u.tick(), tickOfNanoseconds(newest))
			}
			last = u
		}
	})
}

func steps() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(-3, 3), rapid.Int64Range(-1e6, 1e6), rapid.Int64Range(-1e15, 1e15))
}

// Each nanosecond has a distinct fraction of 20 bits.
func TestNanosecondsHaveDistinctFractions(t *testing.T) {
	var g Generator
	const start = 1_700_000_000_000_000_000
	last := g.after(start)
	for n := int64(start + 1); n <= start+2*nanosecondsPerMillisecond; n++ {
		u := g.after(n)
		if u.tick()<<fineBits|u.tail()>>(tailBits-fineBits) <= last.tick()<<fineBits|last.tail()>>(tailBits-fineBits) {
			t.Fatalf("%s at %d has the same time as %s", u, n, last)
		}
		last = u
	}
}

func TestConcurrentValuesAreUniqueAndAscend(t *testing.T) {
	const makers, each = 8, 20_000
	lists := make([][]UUID, makers)
	var wait sync.WaitGroup
	for i := range lists {
		wait.Go(func() {
			lists[i] = make([]UUID, each)
			for j := range lists[i] {
				lists[i][j] = NewV7()
			}
		})
	}
	wait.Wait()
	for _, list := range lists {
		if !slices.IsSortedFunc(list, UUID.compare) {
			t.Error("a goroutine's own values are not in order")
		}
	}
	all := slices.Concat(lists...)
	slices.SortFunc(all, UUID.compare)
	if distinct := len(slices.Compact(all)); distinct != makers*each {
		t.Errorf("%d distinct values of %d", distinct, makers*each)
	}
}

// A value that one goroutine creates after it received another goroutine's value is greater.
func TestValuesAscendAcrossGoroutines(t *testing.T) {
	const rounds = 5_000
	there, back := make(chan UUID), make(chan UUID)
	go func() {
		defer close(back)
		for range there {
			back <- NewV7()
		}
	}()
	for range rounds {
		mine := NewV7()
		there <- mine
		if theirs := <-back; theirs.compare(mine) <= 0 {
			t.Errorf("%s was created after %s", theirs, mine)
		}
	}
	close(there)
	<-back
}

func TestV7AtKeepsTheOrderOfTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g Generator
		at := time.UnixMicro(rapid.Int64Range(-1e6, 4e15).Draw(t, "start"))
		var last UUID
		for _, step := range rapid.SliceOf(steps()).Draw(t, "steps") {
			at = at.Add(time.Duration(max(step, -step)))
			u := g.V7At(at)
			if u.compare(last) <= 0 {
				t.Fatalf("%s at %v follows %s", u, at, last)
			}
			if u.tick() != tickOf(at) {
				t.Fatalf("%s does not have the time %v", u, at)
			}
			last = u
		}
	})
}

// V7At returns the requested time even after a later one, and does not affect NewV7.
func TestV7AtGoesBack(t *testing.T) {
	var g Generator
	future := time.Now().Add(1000 * time.Hour)
	for _, want := range []time.Time{future, future.Add(-2000 * time.Hour), future, timeOfA6} {
		if got, ok := Time(g.V7At(want)); !ok || !got.Equal(want.Truncate(time.Millisecond)) {
			t.Errorf("%v became %v", want, got)
		}
	}
	if got, _ := Time(g.NewV7()); got.After(future) {
		t.Errorf("NewV7 has the time %v", got)
	}
}

// A million rows of one import have the same time: their values ascend in the order of the calls, and the time does
// not change. The steps between them do not reveal their number.
func TestV7AtBreaksTies(t *testing.T) {
	var g Generator
	last := g.V7At(timeOfA6)
	stepBitsSeen := uint64(0)
	for range 1_000_000 {
		u := g.V7At(timeOfA6)
		if u.compare(last) <= 0 || u.tick() != tickOf(timeOfA6) {
			t.Fatalf("%s follows %s", u, last)
		}
		stepBitsSeen |= u.tail() - last.tail()
		last = u
	}
	if bits.OnesCount64(stepBitsSeen) < stepBits {
		t.Errorf("the steps use the bits %x only", stepBitsSeen)
	}
}

// When the tail of a tick is exhausted, the next values have the next tick, even if that tick is requested too.
func TestV7AtUsesNextTickWhenTailIsExhausted(t *testing.T) {
	var g Generator
	last := g.V7At(timeOfA6)
	for range 10 {
		g.tail = 1<<tailBits - 1
		u := g.V7At(timeOfA6)
		if u.compare(last) <= 0 || u.tick() != last.tick()+1 {
			t.Fatalf("%s follows %s", u, last)
		}
		last = u
	}
	next := timeOfA6.Add(245 * time.Nanosecond)
	if tickOf(next) != tickOf(timeOfA6)+1 {
		t.Fatal("245 ns are not the next tick")
	}
	if u := g.V7At(next); u.compare(last) <= 0 {
		t.Fatalf("%s follows %s", u, last)
	}
}

func TestV7AtClamps(t *testing.T) {
	start, end := time.UnixMilli(0), time.Date(10889, 8, 2, 5, 31, 50, 655e6, time.UTC)
	for given, want := range map[time.Time]time.Time{
		{}:                          start,
		time.Unix(-1<<62, 0):        start,
		time.Unix(-1, 999_999_999):  start,
		start:                       start,
		end:                         end,
		end.Add(time.Millisecond):   end,
		end.Add(time.Hour):          end,
		end.Add(-time.Millisecond):  end.Add(-time.Millisecond),
		time.Unix(1<<60, 0):         end,
		time.Unix(1<<62, 999999999): end,
	} {
		var g Generator
		for range 3 {
			if got, ok := Time(g.V7At(given)); !ok || !got.Equal(want) {
				t.Errorf("%v became %v, want %v", given.Unix(), got, want)
			}
		}
	}
}

// Every random bit is set in half of the values: with 20,000 values, a deviation of one twentieth occurs once in about
// 10^40 runs.
func TestRandomBitsAreRandom(t *testing.T) {
	const values = 20_000
	count := func(free int, next func() UUID) {
		t.Helper()
		ones := make([]int, free)
		for range values {
			tail := next().tail()
			for bit := range ones {
				ones[bit] += int(tail >> bit & 1)
			}
		}
		for bit, n := range ones {
			if n < values*45/100 || n > values*55/100 {
				t.Errorf("bit %d is set in %d of %d values", bit, n, values)
			}
		}
	}
	count(tailBits-fineBits, NewV7)
	count(tailBits-1, func() UUID { return new(Generator).V7At(timeOfA6) })
}

func TestDoesNotAllocate(t *testing.T) {
	var sink UUID
	var otherUUID [16]byte
	for name, call := range map[string]func(){
		"NewV7":    func() { sink = NewV7() },
		"NewV7As":  func() { otherUUID = NewV7As[[16]byte]() },
		"V7At":     func() { sink = V7At(timeOfA6) },
		"Time":     func() { _, _ = Time(otherUUID) },
		"Parse":    func() { _, _ = Parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") },
		"FromUUID": func() { _ = FromUUID(sink) },
	} {
		if n := testing.AllocsPerRun(2000, call); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkNewV7(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NewV7()
	}
}

func BenchmarkV7At(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		V7At(timeOfA6)
	}
}
