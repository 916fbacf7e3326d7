package ordered

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/step"
)

// ByTime splits a table as this package does: into ranges of its key with a fixed number of rows each.
const ByTime backfill.By = "time"

const (
	maxRegion = 120_000 // rows, which take some 8 MB per worker
	minRegion = 20_000
)

// Explain chooses how a table is filled in order. It reads catalogue estimates only. A table without a key is filled as
// backfill.Explain chooses.
func Explain(server catalog.Server, table catalog.Table, target step.Target, column order.Column) backfill.Choice {
	c, _ := explain(server, table, target, column)
	return c
}

func explain(server catalog.Server, table catalog.Table, target step.Target, column order.Column) (c backfill.Choice, k key) {
	names := table.OrderKey(target.Column)
	if k = keyOf(table, names); k.empty() {
		c = backfill.Explain(server, table, target)
		c.Reason = fmt.Sprintf("by %s only, because the table has no key; ", column.Name) + c.Reason
		return c, k
	}
	c = backfill.ExplainBy(ByTime, server, table, target)
	how := "by the key alone"
	if column.Name != "" {
		how = fmt.Sprintf("by %s, then the key", column.Name)
	}
	if !k.integer {
		how += " (" + strings.Join(names, ", ") + ")"
	}
	c.Region = min(max(int64(float64(c.Region)*c.RowsPerPage), minRegion), maxRegion)
	c.Reason = how + "; " + c.Reason
	return c, k
}
