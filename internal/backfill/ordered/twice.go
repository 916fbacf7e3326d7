package ordered

import "github.com/rekey-pg/rekey/internal/order"

// twice remembers, in constant memory, which instants it was told of more than once. It may take one for
// another, and so say yes too often, never no.
type twice struct {
	once, again []uint64
	mask        uint64
}

const (
	bitsPerRow = 16
	leastBits  = 1 << 16
	mostBits   = 1 << 26 // two sets of 8 MB
)

func newTwice(rows float64) *twice {
	bits := uint64(leastBits)
	for bits < mostBits && float64(bits) < rows*bitsPerRow {
		bits *= 2
	}
	return &twice{once: make([]uint64, bits/64), again: make([]uint64, bits/64), mask: bits - 1}
}

// note is told of each instant of a region once.
func (t *twice) note(at order.Instant) {
	i, bit := t.spot(at)
	t.again[i] |= t.once[i] & bit
	t.once[i] |= bit
}

func (t *twice) seen(at order.Instant) bool {
	i, bit := t.spot(at)
	return t.again[i]&bit != 0
}

// spot mixes an instant's bits (the finalizer of SplitMix64) so that whole seconds do not meet.
func (t *twice) spot(at order.Instant) (i, bit uint64) {
	x := uint64(at)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x = (x ^ x>>31) & t.mask
	return x / 64, 1 << (x % 64)
}
