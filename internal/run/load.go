package run

import (
	"context"
	_ "embed"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/load.sql
var loadSQL string

// loadInterval is the time between two reports of what the server does.
const loadInterval = time.Second

// load is what the server has done at a time.
type load struct {
	at      time.Time
	wal     float64 // bytes since the beginning of the server
	lag     float64 // seconds
	waiting int
}

// since returns what the server did since an earlier reading.
func (l load) since(before load, batch time.Duration) event.Load {
	e := event.Load{Lag: time.Duration(l.lag * float64(time.Second)), Waiting: l.waiting, Batch: batch}
	if elapsed := l.at.Sub(before.at).Seconds(); elapsed > 0 && l.wal > before.wal {
		e.WAL = (l.wal - before.wal) / elapsed
	}
	return e
}

// watchLoad reports once a second what the server does, until the context ends. It skips a second in which the server cannot
// be read.
func (e *Executor) watchLoad(ctx context.Context) {
	var before load
	poll(ctx, loadInterval, func() error {
		now, err := e.readLoad(ctx)
		if err != nil {
			before = load{}
			return err
		}
		if !before.at.IsZero() {
			e.Emit.Emit(now.since(before, e.Pace.TakeMedian()))
		}
		before = now
		return nil
	})
}

func (e *Executor) readLoad(ctx context.Context) (load, error) {
	reading, cancel := context.WithTimeout(ctx, 5*loadInterval)
	defer cancel()
	l := load{}
	err := pg.Run(reading, e.Pool, pg.Settings{ReadOnly: true}, func(tx pg.Tx) error {
		l.at = time.Now()
		return tx.QueryRow(reading, loadSQL).Scan(&l.wal, &l.lag, &l.waiting)
	})
	return l, err
}
