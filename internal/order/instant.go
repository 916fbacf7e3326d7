package order

import "math"

// Instant is a time in microseconds since 1970-01-01 00:00:00 UTC.
type Instant int64

// PostgreSQL's '-infinity' and 'infinity'.
const (
	NegInfinity Instant = math.MinInt64
	Infinity    Instant = math.MaxInt64
)

// Lengths of time in microseconds.
const (
	Microsecond int64 = 1
	Second            = 1_000_000 * Microsecond
	Day               = 86_400 * Second
)

// Adjustment says how a row's instant was derived from its time.
type Adjustment uint8

// The adjustments.
const (
	Unchanged Adjustment = iota
	Early                // before 1970, which a UUIDv7 cannot express: 1970-01-01 00:00:00
	Late                 // at or after the cutoff: the cutoff
	Carried              // no time: the instant of the nearest row with one before it by key, else after it
	Missing              // no row of the table has a time: the cutoff
)

// Scale converts the times of one column to instants.
type Scale struct {
	Unit   int64   // the column's resolution in microseconds
	Cutoff Instant // no generated value is later
}

// Clamp returns the instant of a row with a time: the time rounded down to the resolution and clamped to 1970 and the cutoff.
func (s Scale) Clamp(at Instant) (Instant, Adjustment) {
	switch {
	case at >= s.Cutoff:
		return s.Cutoff, Late
	case at < 0:
		return 0, Early
	default:
		return at - Instant(int64(at)%max(s.Unit, 1)), Unchanged
	}
}

// code returns the first code at or after an instant: floor(microseconds * 512/125), as uuid_generate_v7() computes it.
func code(at Instant) uint64 {
	const numerator, denominator = 512, 125
	micros := uint64(max(at, 0))
	return micros/denominator*numerator + micros%denominator*numerator/denominator
}
