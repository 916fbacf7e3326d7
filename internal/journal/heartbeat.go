package journal

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	heartbeatInterval = 3 * time.Second
	leaseTimeout      = 12 * time.Second       // a lease without a heartbeat expires after this time
	pollInterval      = 500 * time.Millisecond // interval of reading requests, which must arrive within a second
)

// runHeartbeat renews the lease and delivers requests, until the context ends or the lease is lost.
func (l *Lease) runHeartbeat(ctx context.Context, renewed time.Time) {
	defer close(l.done)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var pending []Request
	for {
		var out chan Request // nil, and so never ready, while there is no request to deliver
		var next Request
		if len(pending) > 0 {
			out, next = l.requests, pending[0]
		}
		select {
		case <-ctx.Done():
			return
		case out <- next:
			pending = pending[1:]
		case <-ticker.C:
			began := time.Now()
			due := began.Sub(renewed) >= heartbeatInterval
			requests, err := l.heartbeat(ctx, due, renewed.Add(leaseTimeout))
			switch {
			case err == nil && due:
				renewed = began
			case errors.Is(err, ErrLost), time.Since(renewed) >= leaseTimeout:
				l.lostReason = err
				close(l.lost)
				return
			}
			pending = append(pending, requests...)
		}
	}
}

const renew = `UPDATE rekey.leases SET heartbeat = clock_timestamp() WHERE scope = $1 AND token = $2::uuid`

// heartbeat renews the lease if due is true, and takes the requests, in one short transaction. The deadline is when
// the lease expires.
func (l *Lease) heartbeat(ctx context.Context, due bool, deadline time.Time) (requests []Request, err error) {
	// The timeout leaves time for a retry if the connection hangs. A process that was suspended past the deadline
	// still gets one second.
	ctx, cancel := context.WithTimeout(ctx, min(max(time.Until(deadline), time.Second), heartbeatInterval))
	defer cancel()
	settings := shortTx()
	// A heartbeat need not be durable, and must not wait for a synchronous standby.
	settings.SynchronousCommit = "off"
	err = pg.Run(ctx, l.pool, settings, func(tx pg.Tx) error {
		if due {
			tag, err := tx.Exec(ctx, renew, l.schema, l.token)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return ErrLost
			}
		}
		requests, err = takeRequests(ctx, tx, l.token)
		return err
	})
	if err != nil {
		return nil, err
	}
	return requests, nil
}
