package ordered

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/step"
)

// ByTime is the way of this package to cut a table: into ranges of its key that hold so many rows each.
const ByTime backfill.By = "time"

const (
	maxRegion = 120_000 // rows: some 8 MB for each worker
	minRegion = 20_000
)

// Explain chooses how a table is filled in order, from catalogue estimates alone. One without a key is filled by the ways of
// package backfill.
func Explain(server catalog.Server, table catalog.Table, target step.Target, column order.Column) backfill.Choice {
	c, _ := explain(server, table, target, column)
	return c
}

func explain(server catalog.Server, table catalog.Table, target step.Target, column order.Column) (c backfill.Choice, k key) {
	names := table.OrderKey(target.Column)
	if k = keyOf(table, names); k.empty() {
		c = backfill.Explain(server, table, target)
		c.Reason = fmt.Sprintf("by %s alone, rows of one instant in no order: there is no key; ", column.Name) + c.Reason
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
