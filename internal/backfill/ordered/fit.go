package ordered

import (
	"fmt"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/step"
)

// ByTime is the way of this package to cut a table: into ranges of its key that hold so many rows each.
const ByTime backfill.By = "time"

const (
	mostRegion  = 120_000 // rows: some 8 MB for each worker
	leastRegion = 20_000
)

// Explain chooses how a table is filled in order, from catalogue estimates alone; fits is false if it has
// no primary key of a single integer column, and the choice's reason says so.
func Explain(server catalog.Server, table catalog.Table, target step.Target, column order.Column) (c backfill.Choice, fits bool) {
	c = backfill.Explain(server, table, target)
	key := table.IntegerKey()
	if key == "" {
		c.Reason = "not in the order of creation: there is no primary key of a single integer column; " + c.Reason
		return c, false
	}
	how := "by the key alone"
	if column.Name != "" {
		how = fmt.Sprintf("by %s, then the key", column.Name)
	}
	c.By, c.Key = ByTime, key
	c.Region = min(max(int64(float64(c.Region)*c.RowsPerPage), leastRegion), mostRegion)
	c.Reason = how + "; " + c.Reason
	return c, true
}
