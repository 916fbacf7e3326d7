package backfill

import "math"

const (
	// steps is how fine a share of the rows can be told: the waves' bounds count 1024ths.
	granularity = 1024
	// golden times an offset, modulo steps, spreads neighbouring offsets evenly: it is steps times the
	// golden section, so that of any few rows in a row a bound picks its share, give or take a few. A hash
	// picks by chance; measured, it left 4 to 6 percent more rows without room in place.
	goldenStride = 633
	// shrinking is how much smaller each wave is than the one before. The room in a page shrinks from
	// wave to wave, since every row that is updated in place needs a little more of it. It also keeps the
	// first wave, whose rows all move, within the tenth that a B-tree's pages have free: no page splits.
	waveRatio = 1.05
)

// bounds gives the upper bound of each of n waves in 1024ths of the rows; the last has them all.
func waveBounds(n int) []int {
	all := make([]int, n)
	whole := 1 - math.Pow(waveRatio, -float64(n))
	for i := range all {
		all[i] = int(math.Round(granularity * (1 - math.Pow(waveRatio, -float64(i+1))) / whole))
	}
	return all
}

// Bounds gives the upper bound of each wave in 1024ths of the rows, for those who write the filling
// down instead of running it.
func (c Choice) Bounds() []int { return waveBounds(c.Waves) }
