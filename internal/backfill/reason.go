package backfill

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
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
		return fmt.Sprintf("%d waves: fillfactor %d leaves %s bytes of each page free. A page's %.0f rows of about %s bytes, each of which grows by %d, "+
			"find their room there, a few rows at a time (heap-only%s). ",
			n, table.Fillfactor, formatNumber(int64(free)), c.RowsPerPage, formatNumber(int64(width)), rowGrowth, indexesReason(table))
	}
	return fmt.Sprintf("%d waves: a page has about %.0f rows of %s bytes and no room for all of them to grow by %d. A wave takes a few rows of every page. "+
		"The first moves one row in %d to other pages; the room that they leave serves up to %.0f %% of the rows in place (heap-only%s). ",
		n, c.RowsPerPage, formatNumber(int64(width)), rowGrowth, granularity/waveBounds(n)[0], 100*maxInPlace(width, n), indexesReason(table))
}

// maxInPlace returns the largest share of the rows of full pages that can stay in place: all but the first wave's, and no
// more than fit once all have grown.
func maxInPlace(width float64, n int) float64 {
	return min(1-float64(waveBounds(n)[0])/granularity, width/(width+rowGrowth))
}

// vacuumReason explains what keeps one pass from doubling the table.
const vacuumReason = "After each eighth of the table a VACUUM without index clean-up lets the next ones use the space that rows have left. "

// indexesReason says that heap-only updates add nothing to indexes.
func indexesReason(table catalog.Table) string {
	if len(table.Indexes) == 0 {
		return ""
	}
	return ": nothing is added to the table's " + plural(int64(len(table.Indexes)), "index", "indexes")
}

// triggerReason names the triggers that fire. The catalogue does not show which columns they change.
func triggerReason(server catalog.Server, table catalog.Table, target step.Target) string {
	names := table.FiringTriggers(target.Column, server.Role.ReplicaRole)
	if len(names) == 0 {
		return ""
	}
	fires := plural(int64(len(names)), "trigger fires", "triggers fire")
	return fmt.Sprintf("%s on every row (%s): if an indexed column is changed so, no update is heap-only and every row moves. "+
		"The first region shows it; the next %d are then filled in one plain pass each, with a VACUUM after each eighth of the table. ", fires, strings.Join(names, ", "), onePassRegions)
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
	return size + "fewer where the pace or max_wal_size asks for it, so that all waves of one fall between two checkpoints; " + batchReason(c)
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
