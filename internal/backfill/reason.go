package backfill

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// The sentences in which a plan explains how a table is filled.

func tinyTableReason(table catalog.Table) string {
	return fmt.Sprintf("one transaction: the table has %s", plural(table.Pages, "page", "pages"))
}

// wavesReason explains how waves find space on the pages.
func wavesReason(c Choice, table catalog.Table, n int) string {
	fillfactor := float64(table.Fillfactor) / 100
	if table.Fillfactor <= 0 {
		fillfactor = 1
	}
	width, free := pageBytes*fillfactor/c.RowsPerPage, pageBytes*(1-fillfactor)
	// A page needs space for at least one new version in addition to the old ones, and finally for each row's growth.
	if free >= width+rowGrowth && free >= c.RowsPerPage*rowGrowth {
		return fmt.Sprintf("%d waves: fillfactor %d leaves %s bytes of each page free, enough for its %.0f rows of about %s bytes to grow by %d each, "+
			"a few rows at a time (heap-only%s). ",
			n, table.Fillfactor, formatNumber(int64(free)), c.RowsPerPage, formatNumber(int64(width)), rowGrowth, indexesReason(table))
	}
	return fmt.Sprintf("%d waves: a page has about %.0f rows of %s bytes and no space for all of them to grow by %d. A wave updates a few rows of every page. "+
		"The first wave moves one row in %d to other pages; the space that they leave lets up to %.0f%% of the rows stay in place (heap-only%s). ",
		n, c.RowsPerPage, formatNumber(int64(width)), rowGrowth, granularity/WaveBounds(n)[0], 100*maxInPlace(width, n), indexesReason(table))
}

// maxInPlace returns the largest share of the rows of full pages that can stay in place: all but the first wave's, and no
// more than fit once all have grown.
func maxInPlace(width float64, n int) float64 {
	return min(1-float64(WaveBounds(n)[0])/granularity, width/(width+rowGrowth))
}

// vacuumReason explains what keeps one pass from doubling the table.
const vacuumReason = "After each eighth of the table, VACUUM without index cleanup makes the space that rows left available. "

// indexesReason says that heap-only updates add nothing to indexes.
func indexesReason(table catalog.Table) string {
	if len(table.Indexes) == 0 {
		return ""
	}
	return ": nothing is added to the table's " + plural(int64(len(table.Indexes)), "index", "indexes")
}

// triggerReason names the triggers that fire. The catalogue does not show which columns they change.
func triggerReason(server catalog.Server, table catalog.Table, column string) string {
	names := table.FiringTriggers(column, server.Role.ReplicaRole)
	if len(names) == 0 {
		return ""
	}
	fires := plural(int64(len(names)), "trigger fires", "triggers fire")
	return fmt.Sprintf("%s on every row (%s): if that changes an indexed column, no update is heap-only and every row moves. "+
		"The first region shows this; then the next %d are filled in one pass each, with VACUUM after each eighth of the table. ", fires, strings.Join(names, ", "), onePassRegions)
}

// rangeReason describes the regions and batches.
func rangeReason(c Choice) string {
	what := "Regions"
	if c.By == ByKey {
		what = "Ranges of " + c.Key + " with the rows"
	}
	size := fmt.Sprintf("%s of at most %s, ", what, plural(c.Region, "page", "pages"))
	if c.Waves == 1 {
		return size + batchReason(c)
	}
	return size + "smaller at a slower pace or with a small max_wal_size, so that all waves of a region fall between two checkpoints; " + batchReason(c)
}

func batchReason(c Choice) string {
	return fmt.Sprintf("the first transaction takes %s, later ones as many as --batch-time allows", plural(int64(c.Batch), "page", "pages"))
}

func plural(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return formatNumber(n) + " " + more
}
