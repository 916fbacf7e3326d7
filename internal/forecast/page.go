package forecast

import "math"

// The layout of PostgreSQL's pages.
const (
	pageSize    = 8192
	pageBytes   = pageSize - 24 // without the header
	linePointer = 4
	mostLines   = 291  // of a page: MaxHeapTuplesPerPage
	alignment   = 8    // of rows and entries
	leafFill    = 0.9  // of an index page that a build fills
	leafBytes   = 8152 // of an index page, without its header and special space
	entryHeader = 8    // of an index entry
	uuidBytes   = 16
)

func align(bytes float64) float64 { return math.Ceil(bytes/alignment) * alignment }

// differing is the number of rows of a page that do not fit because rows differ in width; measured.
const differing = 2

// page is a page as a filling leaves it.
type page struct {
	inPlace float64 // share of the rows that stay on their page
	free    float64 // bytes at the end
}

// fillPage updates the rows of a page in waves, as the backfill does: a wave can use the space that the rows of earlier waves
// have left. bounds has the upper bound of each wave, the last of which includes all rows.
func fillPage(rows, width, wider, free float64, bounds []int) page {
	count := max(int(math.Round(rows)), 1)
	scale := rows / float64(count) // a page of 40.4 rows counts as one of 40 with a little less space
	free /= scale
	roomy := free >= (wider+linePointer)+(wider-width+linePointer)*float64(count)
	all, before, stayed, lines := bounds[len(bounds)-1], 0, 0, count
	for _, bound := range bounds {
		upTo := count * bound / all
		for range upTo - before {
			if wider <= free-linePointer && lines < mostLines {
				free -= wider + linePointer
				stayed++
				lines++
			}
		}
		free += float64(upTo-before) * width
		before = upTo
	}
	// Rows differ in width, so that on average two of a page do not fit where rows of the average width would.
	share := float64(stayed) / float64(count)
	if !roomy {
		share *= 1 - differing/float64(count+differing-1)
	}
	return page{inPlace: share, free: max(free*scale, 0)}
}
