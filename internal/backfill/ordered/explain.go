package ordered

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
)

// ByTime splits a table as this package does: into ranges of its key with a fixed number of rows each.
const ByTime backfill.By = "time"

const (
	maxRegion = 120_000 // rows, which take some 8 MB per worker
	minRegion = 20_000
)

// Explain chooses how a table is filled in order. It reads catalogue estimates only. A table without a key is filled as
// backfill.Explain chooses.
func Explain(server catalog.Server, table catalog.Table, column string, at order.Column) backfill.Choice {
	c, _ := Job{Job: backfill.Job{Server: server, Table: table, Column: column}, Time: at}.explain()
	return c
}

func (j Job) explain() (c backfill.Choice, k key) {
	names := j.Table.OrderKey(j.Column)
	if k = keyOf(j.Table, names); k.empty() {
		c = backfill.Explain(j.Server, j.Table, j.Column)
		c.Reason = fmt.Sprintf("by %s only, because the table has no key; ", j.Time.Name) + c.Reason
		return c, k
	}
	c = backfill.ExplainBy(ByTime, j.Server, j.Table, j.Column)
	how := "by the key alone"
	if j.Time.Name != "" {
		how = fmt.Sprintf("by %s, then the key", j.Time.Name)
	}
	if !k.integer {
		how += " (" + strings.Join(names, ", ") + ")"
	}
	c.Region = min(max(int64(float64(c.Region)*c.RowsPerPage), minRegion), maxRegion)
	c.Reason = how + "; " + c.Reason
	return c, k
}
