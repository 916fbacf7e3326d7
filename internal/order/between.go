package order

import (
	"math/big"
	"math/rand/v2"
	"slices"
)

// Between returns n different values strictly between two others, in ascending order. It is for gaps with fewer than n
// free positions: there the random bits carry the order as well. It reports false if even they do not suffice.
func Between(r *rand.Rand, from, to Value, n int) ([]Value, bool) {
	low, high := from.bigInt(), to.bigInt()
	width := new(big.Int).Sub(high, low)
	width.Sub(width, big.NewInt(int64(n))) // the numbers left free by n values, plus one
	if width.Sign() <= 0 {
		return nil, false
	}
	all := make([]*big.Int, n)
	for i := range all {
		all[i] = drawBelow(r, width)
	}
	slices.SortFunc(all, (*big.Int).Cmp)
	values := make([]Value, n)
	for i, offset := range all {
		offset.Add(offset, low).Add(offset, big.NewInt(int64(i)+1))
		values[i] = fromBigInt(offset)
	}
	return values, true
}

// drawBelow draws from 0 to n-1. n has at most 122 bits, so 128 bits modulo n are close enough to uniform.
func drawBelow(r *rand.Rand, n *big.Int) *big.Int {
	x := new(big.Int).SetUint64(r.Uint64())
	x.Lsh(x, 64).Add(x, new(big.Int).SetUint64(r.Uint64()))
	return x.Mod(x, n)
}

func (v Value) bigInt() *big.Int {
	x := new(big.Int).SetUint64(v.time)
	return x.Lsh(x, randBits).Add(x, new(big.Int).SetUint64(v.rest))
}

func fromBigInt(x *big.Int) Value {
	mask := new(big.Int).SetUint64(1<<randBits - 1)
	return Value{time: new(big.Int).Rsh(x, randBits).Uint64(), rest: mask.And(mask, x).Uint64()}
}
