package order

import "math/bits"

const (
	randBits        = 62 // rand_b
	maxPositionBits = 30 // of them are positions: 32 are always random
	maxSlotBits     = 53 // bits of a position: a float64 counts so far
	version7        = 0x7
	variant         = 0b10
)

// Room is where the values of one instant stand: positions from 0 on, below Slots.
type Range struct {
	first        uint64 // code
	codes        uint64
	positionBits uint // bits of rand_b that belong to the position
}

// Room gives the room of an instant that Bend gave. The last one before the moment ends there.
func (s Scale) Range(at Instant) Range {
	end := at + 1
	if at < s.Cutoff {
		end = min(at+Instant(max(s.Unit, 1)), s.Cutoff)
	}
	r := Range{first: code(at)}
	r.codes = code(end) - r.first
	r.positionBits = uint(max(0, min(maxPositionBits, maxSlotBits-bits.Len64(r.codes))))
	return r
}

// Slots is the number of positions.
func (r Range) Slots() uint64 { return r.codes << r.positionBits }

// Random is the number of bits of a value below its position; they are random, 32 at the least.
func (r Range) Random() int { return randBits - int(r.positionBits) }

// Value makes the value at a position; of random only the lower bits that are needed are used.
func (r Range) Value(position, random uint64) Value {
	low := randBits - r.positionBits
	return Value{
		time: r.first + position>>r.positionBits,
		rest: position&(1<<r.positionBits-1)<<low | random&(1<<low-1),
	}
}

// Position gives the position of a value; ok is false if it stands outside the room.
func (r Range) Position(v Value) (position uint64, ok bool) {
	if v.time < r.first || v.time-r.first >= r.codes {
		return 0, false
	}
	return (v.time-r.first)<<r.positionBits | v.rest>>(randBits-r.positionBits), true
}

// Value is a UUIDv7 without its version and variant.
type Value struct {
	time uint64 // 60 bits: 4096ths of a millisecond since 1970
	rest uint64 // 62 bits
}

// UUID writes a value.
func (v Value) UUID() (u [16]byte) {
	upper := v.time>>12<<16 | version7<<12 | v.time&0xfff
	lower := uint64(variant)<<randBits | v.rest
	for i := range 8 {
		u[i] = byte(upper >> (56 - 8*i))
		u[8+i] = byte(lower >> (56 - 8*i))
	}
	return u
}

// Read reads a UUIDv7; ok is false for any other uuid.
func FromUUID(u [16]byte) (v Value, ok bool) {
	var upper, lower uint64
	for i := range 8 {
		upper, lower = upper<<8|uint64(u[i]), lower<<8|uint64(u[8+i])
	}
	v = Value{time: upper>>16<<12 | upper&0xfff, rest: lower & (1<<randBits - 1)}
	return v, upper>>12&0xf == version7 && lower>>randBits == variant
}

// Before reports whether a value sorts before another.
func (v Value) Before(w Value) bool {
	return v.time < w.time || v.time == w.time && v.rest < w.rest
}

// After reports whether an instant is later than the time that a value tells.
func (at Instant) After(v Value) bool { return v.time < code(at) }
