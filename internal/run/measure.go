package run

import (
	"context"
	_ "embed"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/forecast"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
)

//go:embed queries/measure.sql
var measureSQL string

// smallBytes is the size up to which a table is neither forecast nor measured, or all tables together are.
const smallBytes = 1 << 20

// meter measures what a run costs. A nil *meter measures nothing. A reading that fails only leaves out figures.
type meter struct {
	pool     *pgxpool.Pool
	emit     event.Sink
	forecast forecast.Forecast
	oids     map[string][]int64 // of the tables of each group that is measured, by the group's name
	all      []int64
	start    reading
	begun    time.Time
	group    reading // at the start of the current group
	filled   int64   // rows that were filled in the current group
	inPlace  float64 // heap-only updates among them
	rows     int64
	heapOnly float64
	done     []event.Measured
}

// reading is a size and a position in the WAL, in bytes, and counts of updates.
type reading struct {
	bytes, wal        int64
	updated, heapOnly int64
	ok                bool
}

// newMeter emits the forecast of a run and returns what measures it, nil if the tables are small.
func newMeter(ctx context.Context, pool *pgxpool.Pool, emit event.Sink, p plan.Plan, f forecast.Forecast, speed pace.Speed) *meter {
	if f.All.Before() < smallBytes {
		return nil
	}
	m := &meter{pool: pool, emit: emit, forecast: f, oids: map[string][]int64{}, begun: time.Now()}
	finder := forecaster{plan: p}
	for _, g := range p.Groups {
		for _, t := range finder.tablesOf(g) {
			m.oids[g.String()] = append(m.oids[g.String()], int64(t.OID))
		}
	}
	finder.findTables()
	for _, t := range finder.tables {
		m.all = append(m.all, int64(t.OID))
	}
	for _, c := range f.Groups {
		if c.Before() >= smallBytes {
			emit.Emit(event.Forecast{Table: c.Name, Cost: costOf(c, speed)})
		}
	}
	emit.Emit(event.Forecast{Cost: costOf(f.All, speed)})
	m.start = m.read(ctx, m.all)
	return m
}

func costOf(c forecast.Cost, speed pace.Speed) event.Cost {
	return event.Cost{
		Rows: c.Rows, Elapsed: c.Times[speed], WAL: c.WAL, Before: c.Before(), After: c.After(), Peak: c.Peak, HeapOnly: c.HeapOnly,
	}
}

// measures reports whether a group is measured by itself.
func (m *meter) measures(g plan.Group) bool {
	if m == nil {
		return false
	}
	for _, c := range m.forecast.Groups {
		if c.Name == g.String() {
			return c.Before() >= smallBytes
		}
	}
	return false
}

// begin starts the measurement of a group.
func (m *meter) begin(ctx context.Context, g plan.Group) {
	if m == nil {
		return
	}
	m.filled, m.inPlace, m.group = 0, 0, reading{}
	if m.measures(g) {
		m.group = m.read(ctx, m.oids[g.String()])
	}
}

// addRows adds rows that were filled, and the share of heap-only updates among them.
func (m *meter) addRows(rows int64, inPlace float64) {
	if m == nil {
		return
	}
	m.filled += rows
	m.inPlace += float64(rows) * inPlace
	m.rows += rows
	m.heapOnly += float64(rows) * inPlace
}

// end ends the measurement of a group that is done.
func (m *meter) end(ctx context.Context, g plan.Group, elapsed time.Duration) {
	if m == nil || !m.group.ok {
		return
	}
	after := m.read(ctx, m.oids[g.String()])
	if !after.ok {
		return
	}
	cost := difference(m.group, after, m.filled, m.inPlace)
	cost.Elapsed = elapsed
	m.done = append(m.done, event.Measured{Table: g.String(), Cost: cost})
}

// difference returns the cost between two readings. The share of heap-only updates comes from the server's statistics, which
// include the application's updates and are about a second late; of the filling's own samples if too little is in them.
func difference(before, after reading, rows int64, inPlace float64) event.Cost {
	cost := event.Cost{Rows: rows, WAL: after.wal - before.wal, Before: before.bytes, After: after.bytes}
	if updated := after.updated - before.updated; updated > rows/2 {
		cost.HeapOnly = float64(after.heapOnly-before.heapOnly) / float64(updated)
	} else if rows > 0 {
		cost.HeapOnly = inPlace / float64(rows)
	}
	return cost
}

// report emits the measurements: each group that is done, and all.
func (m *meter) report(ctx context.Context) {
	if m == nil {
		return
	}
	elapsed := time.Since(m.begun)
	for _, one := range m.done {
		m.emit.Emit(one)
	}
	after := m.read(ctx, m.all)
	if !m.start.ok || !after.ok {
		return
	}
	cost := difference(m.start, after, m.rows, m.heapOnly)
	cost.Elapsed = elapsed
	m.emit.Emit(event.Measured{Cost: cost})
}

// read reads the size of tables and the end of the WAL. It waits only briefly for a table that is locked.
func (m *meter) read(ctx context.Context, oids []int64) reading {
	const most = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	var r reading
	err := pg.Run(ctx, m.pool, pg.Settings{ReadOnly: true, Lock: most / 4, Statement: most / 2, Idle: most}, func(tx pg.Tx) error {
		return tx.QueryRow(ctx, measureSQL, oids).Scan(&r.bytes, &r.wal, &r.updated, &r.heapOnly)
	})
	r.ok = err == nil
	return r
}
