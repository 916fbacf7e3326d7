package order

import (
	"math"
	"math/rand/v2"
)

// Draw fills out with different positions below n, in ascending order. Each set of positions is as
// likely as any other, but for a share of about len(out)/n; a position alone is uniform. The positions
// are the order statistics of uniform draws, made one after the other, so that no memory is needed: with
// k still to come, the next lies at a share of 1 - U^(1/k) of what is left.
//
// It reports false, and fills nothing, if there are not so many positions.
func Draw(r *rand.Rand, n uint64, out []uint64) bool {
	count := uint64(len(out))
	if n < count {
		return false
	}
	slots := float64(n - count + 1) // positions may be alike so far; adding their number makes them differ
	at := 0.0
	for i := range out {
		at += (slots - at) * firstShare(r, count-uint64(i))
		out[i] = uint64(math.Min(at, slots-1)) + uint64(i)
	}
	return true
}

// share is where the first of k uniform draws stands: 1 - U^(1/k).
func firstShare(r *rand.Rand, k uint64) float64 {
	return -math.Expm1(-r.ExpFloat64() / float64(k))
}

// rank is where the i-th of k uniform draws stands, counted from 1: a Beta(i, k-i+1).
func rank(r *rand.Rand, i, k uint64) float64 {
	below, above := gamma(r, float64(i)), gamma(r, float64(k-i+1))
	return below / (below + above)
}

// gamma draws from the Gamma distribution of a shape of 1 or more, by the method of Marsaglia and Tsang
// (A Simple Method for Generating Gamma Variables, 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	d := shape - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
