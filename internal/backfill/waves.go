package backfill

import "math"

const (
	// granularity is the unit of the waves' bounds: 1024ths of the rows.
	granularity = 1024
	// goldenStride is the golden section of granularity. Multiplied by a line's offset, modulo granularity, it spreads
	// neighbouring lines evenly, so that a bound selects its share of any few adjacent lines. A hash selects by chance;
	// measured, it left 4 to 6 percent more rows without space on their page.
	goldenStride = 633
	// waveRatio is how much smaller each wave is than the one before: every row updated in place takes a little more of the
	// free space. It also keeps the first wave, whose rows all move, within the tenth that B-tree pages have free, so that no
	// page splits.
	waveRatio = 1.05
)

// WaveBounds returns the upper bound of each of n waves in 1024ths of the rows. The last bound includes all rows.
func WaveBounds(n int) []int {
	all := make([]int, n)
	sum := 1 - math.Pow(waveRatio, -float64(n))
	for i := range all {
		all[i] = int(math.Round(granularity * (1 - math.Pow(waveRatio, -float64(i+1))) / sum))
	}
	return all
}

// WaveOf returns the row's 1024th by the number of its line on its page. The wave with the first bound above it fills the row.
func WaveOf(line uint16) int { return int(line) * goldenStride % granularity }

// Bounds returns the bounds of a choice's waves, for a script of the filling.
func (c Choice) Bounds() []int { return WaveBounds(c.Waves) }
