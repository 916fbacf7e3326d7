package backfill

import (
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// Choice is how a table is filled, and why.
type Choice struct {
	By     By     `json:"by"`
	Key    string `json:"key,omitempty"` // the column that key ranges go by
	Region int64  `json:"region"`        // pages; where keys are walked, the rows of so many pages
	Waves  int    `json:"waves"`
	Batch  int    `json:"batch"`            // pages of the first transaction; later ones are sized by what they take
	Vacuum bool   `json:"vacuum,omitempty"` // between parts, for every row moves
	Reason string `json:"reason"`
	// RowsPerPage is an estimate from the catalogue.
	RowsPerPage float64 `json:"rows_per_page"`
}

// By is what a batch's range is made of.
type By string

// The ways to cut a table into ranges.
const (
	ByPage  By = "pages"  // TID range scans: PostgreSQL 14 and later
	ByKey   By = "keys"   // the primary key's index, on 13
	ByTuple By = "tuples" // every possible row of a page by its address, on 13 without an integer key
)

const (
	pageBytes      = 8192 - 24 // of a page of the default size, without its header
	rowGrowth      = 16 + 4    // a uuid, and a line pointer for the row's next version
	tinyPages      = 16        // filled by one transaction
	smallPages     = 512       // not worth waves
	firstBatch     = 64        // pages
	maxWaves       = 16        // measured: more make the table little smaller and read it more often
	minRowsPerPage = 6         // a page with fewer has no use for waves
	// usualRegion in pages is finished in seconds, and takes long enough for what one wave leaves behind
	// to be prunable in the next. Measured: at 1000 pages 5 percent more rows find no room.
	defaultRegion = 8000
)

// Explain chooses how a table is filled, from catalogue estimates alone.
func Explain(server catalog.Server, table catalog.Table, target step.Target) Choice {
	switch key := table.IntegerKey(); {
	case server.Major() >= 14:
		return explain(Choice{By: ByPage}, server, table, target)
	case key != "":
		return explain(Choice{By: ByKey, Key: key}, server, table, target)
	default:
		return explain(Choice{By: ByTuple}, server, table, target)
	}
}

// ExplainBy is Explain for those who cut the table in a way of their own.
func ExplainBy(by By, server catalog.Server, table catalog.Table, target step.Target) Choice {
	return explain(Choice{By: by}, server, table, target)
}

func explain(c Choice, server catalog.Server, table catalog.Table, target step.Target) Choice {
	c.Region, c.Waves, c.Batch, c.RowsPerPage = defaultRegion, 1, firstBatch, rowsPerPage(table)
	if why := onePassReason(c, table, target); why != "" {
		// One pass needs no large regions, and a part of the table must be done before its space is of use.
		c.Region, c.Vacuum = min(c.Region, max(table.Pages/(2*vacuumParts), firstBatch)), true
		c.Reason = why + vacuumReason + rangeReason(c)
		return c
	}
	c.Waves, c.Reason = waves(c, server, table, target)
	return c
}

// plainReason tells why every row of a table that is not small is to move; "" is that it is not.
func onePassReason(c Choice, table catalog.Table, target step.Target) string {
	switch index := indexOn(table, target.Column); {
	case table.Pages <= smallPages:
		return ""
	case c.By == ByTuple:
		return "one plain pass: PostgreSQL 13 cannot prune a page that is visited by address, and there is no integer key to visit it by. "
	case index != "":
		return fmt.Sprintf("one plain pass: index %s is on the column, so that no update is heap-only, and every row moves to another page. ", index)
	case c.RowsPerPage < minRowsPerPage:
		return fmt.Sprintf("one plain pass: rows of about %s bytes, too few on a page to make room for one another. ", formatNumber(int64(pageBytes/c.RowsPerPage)))
	default:
		return ""
	}
}

func waves(c Choice, server catalog.Server, table catalog.Table, target step.Target) (int, string) {
	switch {
	case table.Pages <= tinyPages:
		return 1, tinyTableReason(table)
	case table.Pages <= smallPages:
		return 1, fmt.Sprintf("one plain pass: %s pages are too few for waves to pay", formatNumber(table.Pages))
	}
	c.Waves = min(maxWaves, int(c.RowsPerPage))
	return c.Waves, wavesReason(c, table, c.Waves) + triggerReason(server, table, target) + rangeReason(c)
}

// density estimates the rows of a page.
func rowsPerPage(table catalog.Table) float64 {
	if table.Rows <= 0 || table.Pages <= 0 {
		const unknown = 40
		return unknown
	}
	return math.Max(table.Rows/float64(table.Pages), 0.1)
}

// indexOn names an index that has to do with the column, be it in a predicate or an expression.
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

// number writes a count with commas.
func formatNumber(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
