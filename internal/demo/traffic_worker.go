package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// worker is one connection of the application. Its rows are nobody else's.
type worker struct {
	traffic  *traffic
	number   int
	link     string
	interval time.Duration // between two statements, on average

	session *pgx.Conn
	random  *rand.Rand
	rows    map[*flow][]row
	made    int // values that were never used before
	pauses  int // that it has noticed
}

func newWorker(t *traffic, number int, link string, interval time.Duration) *worker {
	return &worker{
		traffic: t, number: number, link: link, interval: interval, rows: map[*flow][]row{},
		random: rand.New(rand.NewPCG(uint64(number), 40)),
	}
}

func (w *worker) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
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
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = w.session.Close(ctx)
	select { // one that was cut off in its statement is closed beside us
	case <-w.session.PgConn().CleanupDone():
	case <-ctx.Done():
	}
}

// work sends statements at their times until the traffic ends. A statement that is late does not make
// those after it later: their waits are counted from when they were due.
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
		if w.traffic.pauses != w.pauses { // nothing was due while the traffic stood
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

// one sends one statement and counts it. What the end of the program cuts off is not counted.
func (w *worker) one(ctx context.Context, due time.Time) {
	f := w.traffic.tables[w.random.IntN(len(w.traffic.tables))]
	v := w.choose(f)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wrong, err := w.send(limited, f, v)
	if ctx.Err() == nil {
		w.traffic.done(v, f.name, time.Since(due), wrong, err)
	}
}

// send sees to it that there is a connection: one that broke has made its statement fail, and a new
// one that does not come about makes this one fail.
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

// value is a text that no row has.
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

// deal reads the old rows that belong to the application and deals them out to all workers.
func (w *worker) deal(ctx context.Context, f *flow) error {
	rows, err := w.session.Query(ctx, write("written", f.columns, f.kind.field, withoutKey, f.relation()), f.mark, share)
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
