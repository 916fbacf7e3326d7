package order

import "math/bits"

const (
	randBits        = 62 // of rand_b
	maxPositionBits = 30 // of rand_b, which leaves 32 random bits
	maxSlotBits     = 53 // of a position: a float64 holds no larger integer exactly
	version7        = 0x7
	variant         = 0b10
)

// Range is the range of values that belong to one instant. A position in it is a number from 0 to Slots()-1.
type Range struct {
	first        uint64 // first code
	codes        uint64
	positionBits uint // bits of rand_b that are part of the position
}

// Range returns the range of an instant that Clamp returned. The last instant before the cutoff ends at the cutoff.
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

// Slots returns the number of positions.
func (r Range) Slots() uint64 { return r.codes << r.positionBits }

// Random returns the number of random bits below a value's position, at least 32.
func (r Range) Random() int { return randBits - int(r.positionBits) }

// Value returns the value at a position, with as many of the lower bits of random as it has random bits.
func (r Range) Value(position, random uint64) Value {
	low := randBits - r.positionBits
	return Value{
		time: r.first + position>>r.positionBits,
		rest: position&(1<<r.positionBits-1)<<low | random&(1<<low-1),
	}
}

// Position returns the position of a value; ok is false if the value is outside the range.
func (r Range) Position(v Value) (position uint64, ok bool) {
	if v.time < r.first || v.time-r.first >= r.codes {
		return 0, false
	}
	return (v.time-r.first)<<r.positionBits | v.rest>>(randBits-r.positionBits), true
}

// Value is a UUIDv7 without its version and variant bits.
type Value struct {
	time uint64 // 60 bits: 4096ths of a millisecond since 1970
	rest uint64 // 62 bits
}

// UUID returns the value as the 16 bytes of a uuid.
func (v Value) UUID() (u [16]byte) {
	upper := v.time>>12<<16 | version7<<12 | v.time&0xfff
	lower := uint64(variant)<<randBits | v.rest
	for i := range 8 {
		u[i] = byte(upper >> (56 - 8*i))
		u[8+i] = byte(lower >> (56 - 8*i))
	}
	return u
}

// FromUUID parses a UUIDv7; ok is false for any other uuid.
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

// After reports whether an instant is later than the time of a value.
func (at Instant) After(v Value) bool { return v.time < code(at) }
