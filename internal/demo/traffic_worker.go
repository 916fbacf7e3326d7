package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// worker is one connection of the application. It has its own rows.
type worker struct {
	traffic  *traffic
	number   int
	link     string
	interval time.Duration // average time between two statements

	session *pgx.Conn
	random  *rand.Rand
	rows    map[*flow][]row
	made    int // number of values created so far
	pauses  int // number of pauses that it has noticed
}

func newWorker(t *traffic, number int, link string, interval time.Duration) *worker {
	return &worker{
		traffic: t, number: number, link: link, interval: interval, rows: map[*flow][]row{},
		random: rand.New(rand.NewPCG(uint64(number), 40)),
	}
}

func (w *worker) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	config, err := pgx.ParseConfig(w.link)
	if err != nil {
		return err
	}
	config.RuntimeParams["application_name"] = fmt.Sprintf("shop %d", w.number+1)
	w.session, err = pgx.ConnectConfig(ctx, config)
	return err
}

func (w *worker) close() {
	if w.session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_ = w.session.Close(ctx)
	select { // a connection that was cut off during a statement closes in the background
	case <-w.session.PgConn().CleanupDone():
	case <-ctx.Done():
	}
}

// work sends statements at their times until the traffic ends. A late statement does not postpone later ones: their
// waits are counted from the time when they were due.
func (w *worker) work(ctx context.Context) {
	due := time.Now()
	for {
		due = due.Add(time.Duration((0.5 + w.random.Float64()) * float64(w.interval)))
		select {
		case <-w.traffic.leave:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		w.traffic.gate.RLock()
		if w.traffic.pauses != w.pauses { // nothing was due during a pause
			w.pauses, due = w.traffic.pauses, time.Now()
		}
		if !w.leaving() {
			w.one(ctx, due)
		}
		w.traffic.gate.RUnlock()
	}
}

func (w *worker) leaving() bool {
	select {
	case <-w.traffic.leave:
		return true
	default:
		return false
	}
}

// one sends one statement and counts it. It does not count a statement that the end of the program interrupts.
func (w *worker) one(ctx context.Context, due time.Time) {
	f := w.traffic.tables[w.random.IntN(len(w.traffic.tables))]
	v := w.choose(f)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	wrong, err := w.send(limited, f, v)
	if ctx.Err() == nil {
		w.traffic.done(v, f.name, time.Since(due), wrong, err)
	}
}

// send reconnects if the connection broke, and runs one statement. A failed attempt to reconnect fails this statement.
func (w *worker) send(ctx context.Context, f *flow, v verb) (string, error) {
	if w.session.IsClosed() {
		session := w.session
		if err := w.connect(ctx); err != nil {
			w.session = session
			return "", err
		}
	}
	return w.act(ctx, f, v)
}

// value returns a text that no other row has.
func (w *worker) value() string {
	w.made++
	return fmt.Sprintf("demo-%d-%d", w.number+1, w.made)
}

// parents reads the keys that inserts may refer to.
func (w *worker) parents(ctx context.Context, f *flow) error {
	if f.kind.parent == "" {
		return nil
	}
	rows, err := w.session.Query(ctx, write("parents", nil, "", "", table{name: f.kind.parent}.relation()), share)
	if err != nil {
		return err
	}
	f.parents, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return err
}

// deal reads the old rows that belong to the application and distributes them among all workers.
func (w *worker) deal(ctx context.Context, f *flow) error {
	rows, err := w.session.Query(ctx, write("written", f.columns, f.kind.field, withoutKey, f.relation()), f.last, share)
	if err != nil {
		return err
	}
	workers, next := w.traffic.workers, 0
	var r row
	_, err = pgx.ForEachRow(rows, []any{&r.id, &r.value, &r.sum, &r.key}, func() error {
		owner := workers[next%len(workers)]
		owner.rows[f] = append(owner.rows[f], r)
		next++
		return nil
	})
	return err
}
