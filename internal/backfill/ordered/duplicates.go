package ordered

import "github.com/rekey-pg/rekey/internal/order"

// duplicateFilter detects, in constant memory, instants that were added more than once. Like a Bloom filter it may report
// false duplicates, but misses none.
type duplicateFilter struct {
	first, second []uint64
	mask          uint64
}

const (
	bitsPerRow = 16
	minBits    = 1 << 16
	maxBits    = 1 << 26 // two bit sets of 8 MB
)

func newDuplicateFilter(rows float64) *duplicateFilter {
	bits := uint64(minBits)
	for bits < maxBits && float64(bits) < rows*bitsPerRow {
		bits *= 2
	}
	return &duplicateFilter{first: make([]uint64, bits/64), second: make([]uint64, bits/64), mask: bits - 1}
}

// add adds an instant of a region.
func (t *duplicateFilter) add(at order.Instant) {
	i, bit := t.bit(at)
	t.second[i] |= t.first[i] & bit
	t.first[i] |= bit
}

func (t *duplicateFilter) duplicate(at order.Instant) bool {
	i, bit := t.bit(at)
	return t.second[i]&bit != 0
}

// bit returns the bit of an instant, mixed by the finalizer of SplitMix64 so that whole seconds spread over all bits.
func (t *duplicateFilter) bit(at order.Instant) (i, bit uint64) {
	x := uint64(at)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x = (x ^ x>>31) & t.mask
	return x / 64, 1 << (x % 64)
}
