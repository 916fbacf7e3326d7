package order

import (
	"math"
	"math/rand/v2"
)

// Draw fills out with distinct positions below n, in ascending order. All sets of positions are equally likely, up to an
// error of about len(out)/n; a single position is uniform. Draw generates the order statistics of uniform draws one after
// the other and needs no extra memory: with k positions still to draw, the next one lies 1 - U^(1/k) into the remaining
// range.
//
// It reports false and leaves out unchanged if n is less than len(out).
func Draw(r *rand.Rand, n uint64, out []uint64) bool {
	count := uint64(len(out))
	if n < count {
		return false
	}
	slots := float64(n - count + 1) // positions may still be equal; adding their indexes makes them distinct
	at := 0.0
	for i := range out {
		at += (slots - at) * firstShare(r, count-uint64(i))
		out[i] = uint64(math.Min(at, slots-1)) + uint64(i)
	}
	return true
}

// firstShare returns the smallest of k uniform draws from 0 to 1: 1 - U^(1/k).
func firstShare(r *rand.Rand, k uint64) float64 {
	return -math.Expm1(-r.ExpFloat64() / float64(k))
}

// rank returns the i-th smallest of k uniform draws from 0 to 1, counted from 1: a Beta(i, k-i+1).
func rank(r *rand.Rand, i, k uint64) float64 {
	below, above := gamma(r, float64(i)), gamma(r, float64(k-i+1))
	return below / (below + above)
}

// gamma draws from the Gamma distribution with a shape of at least 1 (Marsaglia and Tsang, A Simple Method for Generating
// Gamma Variables, 2000).
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
