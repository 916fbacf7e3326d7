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

	tickBits = 12 // the fraction of the millisecond in rand_a, as in PostgreSQL 18's uuidv7()
	fineBits = 8  // additional bits of the fraction at the start of rand_b, in NewV7
	tailBits = 62 // rand_b
	stepBits = 32 // the maximum difference between consecutive values of V7At at the same instant has this number of bits

	// poolBytes is the number of random bytes that are read at a time: enough to make reads rare, and few enough to
	// read in microseconds.
	poolBytes = 2048
)

// Generator creates UUIDs of version 7 (RFC 9562, section 5.7). The zero value is ready to use; do not copy it. It is
// safe for concurrent use, does not allocate, and reads its random bits from crypto/rand in batches. The functions
// NewV7 and V7At share one Generator per process. Use a separate one to import rows with V7At if the order of your own
// calls must be kept.
type Generator struct {
	mu     sync.Mutex
	newest int64 // Unix nanoseconds of the latest value of NewV7

	// State of V7At: the last requested tick, and the tick and tail of the last value.
	asked, tick, tail uint64

	pool [poolBytes]byte
	left int // unused bytes of the pool
}

// NewV7 returns a UUID with the current time.
//
// Each value is greater than all earlier values of NewV7 from this Generator. If the clock is set back, it continues
// from the latest value in nanoseconds until the clock has caught up. Of the 122 free bits, 48 are the millisecond, 20
// the fraction of the millisecond (rand_a as in PostgreSQL 18's uuidv7(), and 8 more), and 54 are random.
func (g *Generator) NewV7() UUID { return g.after(time.Now().UnixNano()) }

// after returns a UUID with the time now, or with the nanosecond after the latest value if that is later.
func (g *Generator) after(now int64) UUID {
	g.mu.Lock()
	now = max(now, g.newest+1)
	g.newest = now
	noise := g.random()
	g.mu.Unlock()

	// The fraction has 20 bits and is finer than a nanosecond: no two nanoseconds have the same fraction.
	within := uint64(now) % nanosecondsPerMillisecond
	fraction := within << (tickBits + fineBits) / nanosecondsPerMillisecond
	tick := uint64(now)/nanosecondsPerMillisecond<<tickBits | fraction>>fineBits
	return compose(tick, fraction<<(tailBits-fineBits)|noise>>(64-tailBits+fineBits))
}

// V7At returns a UUID with the time t, for example for a row that is older than its UUID.
//
// UUIDs sort by t, to 1/4096 of a millisecond, which is finer than PostgreSQL's timestamps. Calls with the same t
// return ascending values, as long as no other t comes between them. Consecutive values at one instant differ by a
// random step, so that neither one value nor two reveal how many there are: the first value of an instant has 61
// random bits, each later one 32. After about a thousand million values at one instant, the next value has the next
// 1/4096 of a millisecond.
//
// A time before 1970 becomes 1970-01-01. A time after 10889-08-02 05:31:50.655 UTC becomes that time. V7At does not
// affect NewV7.
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

// step advances V7At's state to the next value of the same instant.
func (g *Generator) step() {
	g.tail += 1 + g.random()>>(64-stepBits)
	if g.tail >= 1<<tailBits {
		g.tick, g.tail = g.tick+1, g.head()
	}
}

// head returns the tail of an instant's first value, from the lower half, so that steps fit above it. It is never
// zero, which is the state before the first value.
func (g *Generator) head() uint64 { return 1 + g.random()>>(64-tailBits+1) }

// random returns 64 random bits. It returns no bit twice.
func (g *Generator) random() uint64 {
	if g.left == 0 {
		_, _ = rand.Read(g.pool[:]) // it never fails: without random numbers it ends the process
		g.left = poolBytes
	}
	g.left -= 8
	return binary.NativeEndian.Uint64(g.pool[g.left:])
}

// tickOf returns t in units of 1/4096 of a millisecond since 1970, limited to the range of 48 bits of milliseconds.
func tickOf(t time.Time) uint64 {
	if t.Unix() < 0 {
		return 0
	}
	// Compare seconds first: UnixMilli overflows for very late times.
	if t.Unix() > maxMillisecond/1000 || t.UnixMilli() >= maxMillisecond {
		return maxMillisecond << tickBits
	}
	within := uint64(t.Nanosecond() % nanosecondsPerMillisecond)
	return uint64(t.UnixMilli())<<tickBits | within<<tickBits/nanosecondsPerMillisecond
}

// compose returns a UUID of version 7 with the fields tick (48 and 12 bits) and tail (62 bits).
func compose(tick, tail uint64) (u UUID) {
	high := tick>>tickBits<<16 | version<<12 | tick&(1<<tickBits-1)
	low := variant<<62 | tail&(1<<tailBits-1)
	binary.BigEndian.PutUint64(u[:8], high)
	binary.BigEndian.PutUint64(u[8:], low)
	return u
}
