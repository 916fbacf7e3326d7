package journal

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	beatEvery = 3 * time.Second
	fall      = 12 * time.Second       // a lease without a heartbeat for so long falls
	lookEvery = 500 * time.Millisecond // for orders, which are to be heard within a second
)

// beat renews the lease and hands out the orders, until the context ends or the lease is lost.
func (l *Lease) beat(ctx context.Context, renewed time.Time) {
	defer close(l.done)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var pending []Request
	for {
		var out chan Request // nil, and so never ready, while there is nothing to hand out
		var next Request
		if len(pending) > 0 {
			out, next = l.orders, pending[0]
		}
		select {
		case <-ctx.Done():
			return
		case out <- next:
			pending = pending[1:]
		case <-ticker.C:
			began := time.Now()
			due := began.Sub(renewed) >= beatEvery
			heard, err := l.touch(ctx, due, renewed.Add(fall))
			switch {
			case err == nil && due:
				renewed = began
			case errors.Is(err, ErrLost), time.Since(renewed) >= fall:
				l.why = err
				close(l.lost)
				return
			}
			pending = append(pending, heard...)
		}
	}
}

const renew = `UPDATE rekey.leases SET heartbeat = clock_timestamp() WHERE scope = $1 AND token = $2::uuid`

// touch is one short transaction: it renews the lease when that is due, and takes the orders.
func (l *Lease) touch(ctx context.Context, due bool, last time.Time) (heard []Request, err error) {
	// A connection that hangs must leave time for another try; a process that hung still gets one.
	ctx, cancel := context.WithTimeout(ctx, min(max(time.Until(last), time.Second), beatEvery))
	defer cancel()
	settings := brief()
	// Nothing is lost with a heartbeat, and it must not wait for a standby.
	settings.SynchronousCommit = "off"
	err = pg.Run(ctx, l.pool, settings, func(tx pg.Tx) error {
		if due {
			tag, err := tx.Exec(ctx, renew, l.scope, l.token)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return ErrLost
			}
		}
		heard, err = takeOrders(ctx, tx, l.token)
		return err
	})
	if err != nil {
		return nil, err
	}
	return heard, nil
}
