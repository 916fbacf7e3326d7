package demo

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// traffic is an application at work: several connections that select, insert, update and delete at a
// steady rate. Each connection writes rows of its own and keeps a record of them, so that whoever
// changes or loses one is found out.
type traffic struct {
	tally
	tables  []*flow
	workers []*worker
	leave   chan struct{}
	once    sync.Once
	running sync.WaitGroup

	// gate is held for reading during a statement, for writing while the traffic stands.
	gate   sync.RWMutex
	pauses int // so far; guarded by gate
}

// flow is one table with traffic.
type flow struct {
	table
	statements
	parents []int64

	column atomic.Bool // the application may name the uuid column
	index  atomic.Bool // and look rows up by it
}

// startTraffic connects, reads what belongs to the application, and begins.
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

// prepare connects everyone and deals the old rows out.
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

// heed learns of the column and the index, as an application does that is deployed anew after each.
func (t *traffic) heed(e event.Event) {
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

// pause returns when no statement is under way; none begins until resume.
func (t *traffic) pause() {
	t.gate.Lock()
	t.pauses++
}

func (t *traffic) resume() { t.gate.Unlock() }

// forgetKeys makes the application one that knows of no uuid. The traffic stands meanwhile.
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

// record gives all rows of a table that must be there. The traffic stands meanwhile.
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

// stop lets everyone end the statement under way.
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

// patience is how long the application waits for a statement or a connection before it gives up.
const patience = 30 * time.Second
