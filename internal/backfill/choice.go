package backfill

import (
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// Choice says how a table is filled, and why.
type Choice struct {
	By     By
	Key    string // the column whose values make the ranges
	Region int64  // size in pages; for key ranges, the rows of that many pages
	Waves  int
	Batch  int  // pages of the first transaction; later ones are sized by their duration
	Vacuum bool // run VACUUM between parts of the table, because every row moves
	Moves  bool // no update is heap-only, because an index uses the column
	Reason string
	// RowsPerPage is estimated from the catalogue.
	RowsPerPage float64
}

// By says what a range of a table consists of.
type By string

// The ways to split a table into ranges.
const (
	ByPage  By = "pages"  // pages, by TID range scans: PostgreSQL 14 and later
	ByKey   By = "keys"   // integer keys, by the primary key's index: PostgreSQL 13
	ByTuple By = "tuples" // pages, with every possible ctid: PostgreSQL 13 without an integer key
)

const (
	pageBytes      = 8192 - 24 // of a page of the default size, without its header
	rowGrowth      = 16 + 4    // a uuid, and a line pointer for the row's new version
	tinyPages      = 16        // up to here, one transaction fills the table
	smallPages     = 512       // up to here, one pass is enough
	firstBatch     = 64        // pages
	maxWaves       = 16        // measured: more waves save little space and read the table more often
	minRowsPerPage = 6         // with fewer rows on a page, waves save nothing
	// defaultRegion is the size of a region in pages. A region takes seconds, long enough that the next wave can prune
	// what the last one left. Measured: with 1000 pages, 5 percent more rows move.
	defaultRegion = 8000
)

// Explain chooses how a table is filled. It reads catalogue estimates only.
func Explain(server catalog.Server, table catalog.Table, column string) Choice {
	switch key := table.IntegerKey(); {
	case server.Major() >= 14:
		return explain(Choice{By: ByPage}, server, table, column)
	case key != "":
		return explain(Choice{By: ByKey, Key: key}, server, table, column)
	default:
		return explain(Choice{By: ByTuple}, server, table, column)
	}
}

// ExplainBy is Explain for a caller that splits the table itself.
func ExplainBy(by By, server catalog.Server, table catalog.Table, column string) Choice {
	return explain(Choice{By: by}, server, table, column)
}

func explain(c Choice, server catalog.Server, table catalog.Table, column string) Choice {
	c.Region, c.Waves, c.Batch, c.RowsPerPage = defaultRegion, 1, firstBatch, rowsPerPage(table)
	if why := onePassReason(c, table, column); why != "" {
		// One pass needs no large regions, and a VACUUM can run only after a whole region.
		c.Region, c.Vacuum = min(c.Region, max(table.Pages/(2*vacuumParts), firstBatch)), true
		c.Moves = indexOn(table, column) != ""
		c.Reason = why + vacuumReason + rangeReason(c)
		return c
	}
	c.Waves, c.Reason = waves(c, server, table, column)
	return c
}

// onePassReason returns why a table is filled in one pass although it is not small, "" if it is not.
func onePassReason(c Choice, table catalog.Table, column string) string {
	switch index := indexOn(table, column); {
	case table.Pages <= smallPages:
		return ""
	case c.By == ByTuple:
		return "one pass: PostgreSQL 13 cannot prune a page that it reads by ctid, and the table has no integer key. "
	case index != "":
		return fmt.Sprintf("one pass: index %s uses the column, so that no update is heap-only and every row moves to another page. ", index)
	case c.RowsPerPage < minRowsPerPage:
		return fmt.Sprintf("one pass: a page has too few rows, of about %s bytes each, to make space for one another. ", formatNumber(int64(pageBytes/c.RowsPerPage)))
	default:
		return ""
	}
}

func waves(c Choice, server catalog.Server, table catalog.Table, column string) (int, string) {
	switch {
	case table.Pages <= tinyPages:
		return 1, tinyTableReason(table)
	case table.Pages <= smallPages:
		return 1, fmt.Sprintf("one pass: %s pages are too few for waves to pay", formatNumber(table.Pages))
	}
	c.Waves = min(maxWaves, int(c.RowsPerPage))
	return c.Waves, wavesReason(c, table, c.Waves) + triggerReason(server, table, column) + rangeReason(c)
}

// rowsPerPage estimates the rows of a page.
func rowsPerPage(table catalog.Table) float64 {
	if table.Rows <= 0 || table.Pages <= 0 {
		const unknown = 40
		return unknown
	}
	return math.Max(table.Rows/float64(table.Pages), 0.1)
}

// indexOn returns the name of an index that uses the column, also in a predicate or expression, "" if there is none.
func indexOn(table catalog.Table, column string) string {
	mention := regexp.MustCompile(`(^|[^\w"])"?` + regexp.QuoteMeta(column) + `"?($|[^\w"])`)
	for _, i := range table.Indexes {
		if slices.Contains(i.Columns, column) || slices.Contains(i.Included, column) {
			return i.Name
		}
		if (i.Predicate != "" || slices.Contains(i.Columns, "")) && mention.MatchString(i.Definition) {
			return i.Name
		}
	}
	return ""
}

// formatNumber formats a count with thousands separators.
func formatNumber(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
