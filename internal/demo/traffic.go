package demo

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// traffic is an application: several connections that select, insert, update and delete at a steady rate. Each
// connection writes its own rows and records them, so that every lost or changed row is noticed.
type traffic struct {
	counters
	tables  []*flow
	workers []*worker
	leave   chan struct{}
	once    sync.Once
	running sync.WaitGroup

	// Statements hold the gate for reading; a pause holds it for writing.
	gate   sync.RWMutex
	pauses int // number of pauses so far; guarded by gate
}

// flow is one table with traffic.
type flow struct {
	table
	statements
	parents []int64

	column atomic.Bool // whether the application may name the uuid column
	index  atomic.Bool // whether it may look rows up by uuid
}

// startTraffic connects, reads the rows that belong to the application, and starts.
func startTraffic(ctx context.Context, link string, options Options, tables []table) (*traffic, error) {
	t := &traffic{leave: make(chan struct{})}
	t.enter("before")
	for _, one := range tables {
		if one.kind != nil {
			t.tables = append(t.tables, &flow{table: one, statements: one.kind.statements(one)})
		}
	}
	interval := time.Duration(options.Connections) * time.Second / time.Duration(options.Rate)
	for i := range options.Connections {
		t.workers = append(t.workers, newWorker(t, i, link, interval))
	}
	if err := t.prepare(ctx); err != nil {
		t.close()
		return nil, err
	}
	for _, w := range t.workers {
		t.running.Go(func() { w.work(ctx) })
	}
	return t, nil
}

// prepare connects all workers and distributes the old rows among them.
func (t *traffic) prepare(ctx context.Context) error {
	for _, w := range t.workers {
		if err := w.connect(ctx); err != nil {
			return err
		}
	}
	first := t.workers[0]
	for _, f := range t.tables {
		if err := first.parents(ctx, f); err != nil {
			return err
		}
		if err := first.deal(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// learn makes the column and the index known to the application, as a deployment after each of them would.
func (t *traffic) learn(e event.Event) {
	switch e := e.(type) {
	case event.StepDone:
		if relation, ok := strings.CutSuffix(e.Step, "/add-column"); ok && t.rising() {
			t.flow(relation, func(f *flow) { f.column.Store(true) })
		}
	case event.TableDone:
		if t.rising() {
			t.flow(e.Table, func(f *flow) { f.column.Store(true); f.index.Store(true) })
		}
	}
}

func (t *traffic) rising() bool { return t.during() == "up" }

func (t *traffic) flow(relation string, change func(*flow)) {
	for _, f := range t.tables {
		if relation == schema+"."+f.name {
			change(f)
		}
	}
}

// pause waits for the running statements. None starts until resume.
func (t *traffic) pause() {
	t.gate.Lock()
	t.pauses++
}

func (t *traffic) resume() { t.gate.Unlock() }

// forgetKeys makes the application forget all uuids. The traffic must be paused.
func (t *traffic) forgetKeys() {
	for _, f := range t.tables {
		f.column.Store(false)
		f.index.Store(false)
	}
	for _, w := range t.workers {
		for _, rows := range w.rows {
			for i := range rows {
				rows[i].key, rows[i].own = "", false
			}
		}
	}
}

// record returns the rows of a table that must exist, by id. The traffic must be paused.
func (t *traffic) record(table string) map[int64]row {
	all := map[int64]row{}
	for _, w := range t.workers {
		for f, rows := range w.rows {
			if f.name != table {
				continue
			}
			for _, r := range rows {
				all[r.id] = r
			}
		}
	}
	return all
}

// stop waits for the running statements and ends the traffic.
func (t *traffic) stop() {
	t.once.Do(func() { close(t.leave) })
	t.running.Wait()
	t.close()
}

func (t *traffic) close() {
	for _, w := range t.workers {
		w.close()
	}
}

// timeout limits each statement and each connection attempt of the application.
const timeout = 30 * time.Second
