package order

import "math"

// Instant is a time in microseconds since 1970-01-01 00:00:00 UTC.
type Instant int64

// The ends of time, as PostgreSQL's 'infinity' and '-infinity' are read.
const (
	NegInfinity Instant = math.MinInt64
	Infinity    Instant = math.MaxInt64
)

// Micros of some units.
const (
	Microsecond int64 = 1
	Second            = 1_000_000 * Microsecond
	Day               = 86_400 * Second
)

// Bent says what was done to a row's time.
type Adjustment uint8

// What may be done to a time.
const (
	Unchanged Adjustment = iota
	Early                // before 1970, which a UUIDv7 cannot tell: 1970-01-01 00:00:00
	Late                 // at or after the moment: the moment
	Carried              // no time: that of the next row before it by key that has one, else of the next after it
	Missing              // there is no time in the whole table: the moment
)

// Scale is how the times of one column are read.
type Scale struct {
	Unit   int64   // the column's resolution in microseconds
	Cutoff Instant // no value that is filled stands behind it
}

// Bend gives the instant at which a row with a time stands.
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

// code is the first code at or after an instant: floor(microseconds * 512/125), as the function in the
// database has it.
func code(at Instant) uint64 {
	const numerator, denominator = 512, 125
	micros := uint64(max(at, 0))
	return micros/denominator*numerator + micros%denominator*numerator/denominator
}
