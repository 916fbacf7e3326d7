package ordered

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Values is the writer of values that sort as (time, key). For a table without a key, values sort by time, and rows of one
// instant are in no order. A run that continues an interrupted one keeps the order. A checkpoint records a whole region.
type Values struct {
	Time order.Column // creation-time column; without a name, the key alone gives the order
	// Cutoff is when the column got its default. No generated value is later, and later times count as this one. It must be
	// the same in every run over a table. Default: the cutoff of an interrupted run, else the server's time at the start.
	Cutoff time.Time
	// OnStart is called in the transaction that begins the filling, which may be repeated. Its result replaces Cutoff. It may
	// be nil.
	OnStart func(context.Context, pg.Tx) (Start, error)
	// Sent says that the table is a reference table of a Citus cluster, which is written through the coordinator: each statement sends
	// the values, so that they are the same on every node, and waits for rows that others hold.
	Sent bool
	// Outcome receives what the filling did to the rows' times. It may be nil.
	Outcome    *Outcome
	regionRows int64 // rows of a region in tests. Default: as chosen by Explain.
}

// Start is what is known of a filling when it begins.
type Start struct {
	Cutoff  time.Time
	Resumed bool // an interrupted run has left checkpoints
}

// Outcome is the number of rows whose times were adjusted.
type Outcome struct {
	Cutoff  time.Time
	Regions int   // 0 for a table without a key, like the fields below
	Early   int64 // rows with a time before 1970
	Late    int64 // rows with a time at or after the cutoff, or infinite
	Carried int64 // rows without a time in a table with times
	Missing int64 // rows of a table without any time
}

// ErrOrder reports that a table has neither a key nor a creation-time column.
var ErrOrder = errors.New("the table has neither a key nor a creation-time column")

// ByTime splits a table as this package does: into ranges of its key with a fixed number of rows each.
const ByTime backfill.By = "time"

const (
	maxRegion = 120_000 // rows, which take some 8 MB per worker
	minRegion = 20_000
	testWaves = 4 // of small regions in tests
)

// Method implements [backfill.Writer]. It returns ErrOrder if nothing orders the rows.
func (v Values) Method(ctx context.Context, e *backfill.Engine) (backfill.Method, error) {
	choice, k := explain(e.Server, e.Table, e.Column, v.Time)
	switch {
	case k.empty() && v.Time.Name == "":
		return nil, ErrOrder
	case k.empty():
		return v.byTime(ctx, e)
	}
	return v.method(e, choice, k), nil
}

func (v Values) method(e *backfill.Engine, choice backfill.Choice, k key) *method {
	e.ByIndex = true // missing or stale statistics could favour a scan of the whole table
	if v.regionRows > 0 {
		choice.Region, choice.Waves = v.regionRows, max(choice.Waves, testWaves)
	}
	sql := newRowSQL(e.Name(), e.Column, k, v.Time)
	sql.sent = v.Sent
	return &method{Engine: e, Values: v, choice: choice, sql: sql}
}

// byTime returns the method of a table without a key. The server computes each value, which depends only on the row.
func (v Values) byTime(ctx context.Context, e *backfill.Engine) (backfill.Method, error) {
	m := &method{Engine: e, Values: v}
	if err := m.readCutoff(ctx); err != nil {
		return nil, err
	}
	if m.Cutoff.IsZero() {
		err := pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
			at, err := now(ctx, tx)
			m.Cutoff = time.UnixMicro(int64(at))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if v.Outcome != nil {
		v.Outcome.Cutoff = m.Cutoff.UTC()
	}
	return backfill.Expression(ValueSQL(v.Time, m.Cutoff)).Method(ctx, e)
}

// Explain chooses how a table is filled in order. It reads catalogue estimates only. A table without a key is filled as
// backfill.Explain chooses.
func Explain(server catalog.Server, table catalog.Table, column string, at order.Column) backfill.Choice {
	c, _ := explain(server, table, column, at)
	return c
}

func explain(server catalog.Server, table catalog.Table, column string, at order.Column) (c backfill.Choice, k key) {
	names := table.OrderKey(column)
	if k = keyOf(table, names); k.empty() {
		c = backfill.Explain(server, table, column)
		c.Reason = fmt.Sprintf("by %s only, because the table has no key; ", at.Name) + c.Reason
		return c, k
	}
	c = backfill.ExplainBy(ByTime, server, table, column)
	how := "by the key alone"
	if at.Name != "" {
		how = fmt.Sprintf("by %s, then the key", at.Name)
	}
	if !k.integer {
		how += " (" + strings.Join(names, ", ") + ")"
	}
	c.Region = min(max(int64(float64(c.Region)*c.RowsPerPage), minRegion), maxRegion)
	c.Reason = how + "; " + c.Reason
	return c, k
}
