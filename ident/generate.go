package ident

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

const (
	version = 7
	variant = 0b10

	nanosecondsPerMillisecond = 1_000_000
	maxMillisecond            = 1<<48 - 1 // 10889-08-02 05:31:50.655 UTC

	tickBits = 12 // of the millisecond in rand_a, as PostgreSQL 18's uuidv7() has them
	fineBits = 8  // below these, at the head of rand_b, in NewV7
	tailBits = 62 // rand_b
	stepBits = 32 // what one value of V7At differs at most from the one before, at the same instant

	// poolBytes is how much is drawn from the system at a time: enough that asking costs little, and
	// few enough to be drawn in microseconds.
	poolBytes = 2048
)

// Generator makes UUIDs of version 7 (RFC 9562, section 5.7). The zero Generator is ready; it is not to
// be copied. It is safe for concurrent use, allocates nothing, and draws its random bits from crypto/rand
// in batches. The functions NewV7 and V7At use one for the whole process; one of its own serves a part
// of a program that imports rows with V7At and wants the order of its calls kept.
type Generator struct {
	mu     sync.Mutex
	newest int64 // Unix nanoseconds of NewV7's last value

	// Of V7At: the tick that was asked for last, and the tick and tail it was given.
	asked, tick, tail uint64

	pool [poolBytes]byte
	left int // bytes of the pool not yet used
}

// NewV7 makes a UUID of the present moment.
//
// Each is greater than every other one that this Generator has made by NewV7, also when the clock is
// set back: then it counts on in nanoseconds from where it was until the clock has caught up. Its
// 122 free bits are the millisecond (48), the fraction of the millisecond (20: those of rand_a as
// PostgreSQL 18's uuidv7() writes them, and 8 more), and 54 random ones that no other value shares.
func (g *Generator) NewV7() UUID { return g.after(time.Now().UnixNano()) }

// after makes a UUID of the moment now, or of the nanosecond after the last one if that is later.
func (g *Generator) after(now int64) UUID {
	g.mu.Lock()
	now = max(now, g.newest+1)
	g.newest = now
	noise := g.random()
	g.mu.Unlock()

	// The fraction of 20 bits is finer than a nanosecond: no two of them fall together.
	within := uint64(now) % nanosecondsPerMillisecond
	fraction := within << (tickBits + fineBits) / nanosecondsPerMillisecond
	tick := uint64(now)/nanosecondsPerMillisecond<<tickBits | fraction>>fineBits
	return compose(tick, fraction<<(tailBits-fineBits)|noise>>(64-tailBits+fineBits))
}

// V7At makes a UUID of the moment t, as for a row that is older than its UUID.
//
// It keeps the order of t, to 1/4096 of a millisecond, which is finer than PostgreSQL's times; calls
// with the same t, one after the other, give ascending values. While t does not go back, no value
// does. Ties ascend by a random step, so that neither a value nor two of them tell how many there
// are: the first of an instant has 61 random bits, each further one 32. Only after a thousand million
// at one instant, give or take, does a value move on, to the next 1/4096 of a millisecond.
//
// A time before 1970 is taken as 1970-01-01, and one from 10889-08-02 05:31:50.655 UTC on as that. It has
// no bearing on NewV7.
func (g *Generator) V7At(t time.Time) UUID {
	want := tickOf(t)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tail != 0 && g.asked <= want && want <= g.tick {
		g.step()
	} else {
		g.tick, g.tail = want, g.head()
	}
	g.asked = want
	return compose(g.tick, g.tail)
}

// step moves V7At's state to the next value of the same instant.
func (g *Generator) step() {
	g.tail += 1 + g.random()>>(64-stepBits)
	if g.tail >= 1<<tailBits {
		g.tick, g.tail = g.tick+1, g.head()
	}
}

// head draws the tail of an instant's first value from the lower half, which leaves room for steps. It
// is never zero: that is the state before the first value.
func (g *Generator) head() uint64 { return 1 + g.random()>>(64-tailBits+1) }

// random gives 64 bits, each of them once.
func (g *Generator) random() uint64 {
	if g.left == 0 {
		_, _ = rand.Read(g.pool[:]) // it never fails: without random numbers it ends the process
		g.left = poolBytes
	}
	g.left -= 8
	return binary.NativeEndian.Uint64(g.pool[g.left:])
}

// tickOf is t in units of 1/4096 of a millisecond since 1970, within what 48 bits of milliseconds hold.
func tickOf(t time.Time) uint64 {
	if t.Unix() < 0 {
		return 0
	}
	// Seconds first: UnixMilli overflows for the latest of times.
	if t.Unix() > maxMillisecond/1000 || t.UnixMilli() >= maxMillisecond {
		return maxMillisecond << tickBits
	}
	within := uint64(t.Nanosecond() % nanosecondsPerMillisecond)
	return uint64(t.UnixMilli())<<tickBits | within<<tickBits/nanosecondsPerMillisecond
}

// compose sets the fields of version 7: 48 and 12 bits of tick, 62 bits of tail.
func compose(tick, tail uint64) (u UUID) {
	high := tick>>tickBits<<16 | version<<12 | tick&(1<<tickBits-1)
	low := variant<<62 | tail&(1<<tailBits-1)
	binary.BigEndian.PutUint64(u[:8], high)
	binary.BigEndian.PutUint64(u[8:], low)
	return u
}
