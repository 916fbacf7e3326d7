package pg

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// blockerWatch finds the sessions that block a session shortly before its lock_timeout ends the wait; afterwards
// the server does not know them any more. The change does not fail if the search fails.
type blockerWatch struct {
	stop  context.CancelFunc
	ready chan struct{} // receives a value when the search has a connection, or failed to get one
	begun chan struct{} // closed when the session is about to wait
	seen  chan []Backend
}

// connectTimeout bounds the wait for a connection for the search.
const connectTimeout = time.Second

var errWatchEnded = errors.New("the watch has ended")

// watchLater searches after the given time, and acquires its connection then.
func (c Changer) watchLater(ctx context.Context, pid uint32, after time.Duration) blockerWatch {
	return c.startWatch(ctx, func(ctx, queryCtx context.Context, _ blockerWatch) (found []Backend, err error) {
		if err := sleep(ctx, after); err != nil {
			return nil, err
		}
		err = Run(queryCtx, c.Watch, readSettings(), func(tx Tx) error {
			found, err = blockers(queryCtx, tx, pid)
			return err
		})
		return found, err
	})
}

// watchNow waits until the search has a connection: after is shorter than the time to connect.
func (c Changer) watchNow(ctx context.Context, pid uint32, after time.Duration) blockerWatch {
	w := c.startWatch(ctx, func(ctx, queryCtx context.Context, w blockerWatch) (found []Backend, err error) {
		conn, err := acquire(queryCtx, c.Watch)
		if err != nil {
			return nil, err
		}
		defer conn.Release()
		w.ready <- struct{}{}
		<-w.begun
		if err := sleep(ctx, after); err != nil {
			return nil, err
		}
		err = runOn(queryCtx, c.Watch, conn, readSettings(), func(tx Tx) error {
			found, err = blockers(queryCtx, tx, pid)
			return err
		})
		return found, err
	})
	select {
	case <-w.ready:
	case <-time.After(connectTimeout):
	}
	close(w.begun)
	return w
}

func (c Changer) startWatch(ctx context.Context, find func(ctx, queryCtx context.Context, w blockerWatch) ([]Backend, error)) blockerWatch {
	// A search in progress is not cancelled, since that would close its connection.
	queryCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.DeadlockTimeout+stallTimeout)
	ctx, stop := context.WithCancel(ctx)
	w := blockerWatch{stop: stop, ready: make(chan struct{}, 2), begun: make(chan struct{}), seen: make(chan []Backend, 1)}
	go func() {
		defer cancel()
		found, err := find(ctx, queryCtx, w)
		w.ready <- struct{}{} // the search has ended: watchNow must not wait for it
		if err != nil {
			found = nil
		}
		w.seen <- found
	}()
	return w
}

// blockers returns the sessions that block the backend pid.
func blockers(ctx context.Context, tx Tx, pid uint32) ([]Backend, error) {
	rows, err := tx.Query(ctx, blockersSQL, int(pid))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanBackend)
}

// end ends the watch. If err is not nil, it returns the sessions that were found.
func (w blockerWatch) end(err error) []Backend {
	w.stop()
	if err == nil {
		return nil
	}
	return <-w.seen
}

func sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return errWatchEnded
	case <-time.After(pause):
		return nil
	}
}
