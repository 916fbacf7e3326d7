package pg

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// watch looks at who blocks a session, shortly before its lock_timeout strikes: afterwards nobody could
// tell. Who blocks is worth knowing and never worth failing for.
type watch struct {
	stop  context.CancelFunc
	ready chan struct{} // told when there is a connection to look on, or none is to be had
	begun chan struct{} // closed when the session begins to wait
	seen  chan []Backend
}

// connecting bounds the wait for a connection to look on.
const connecting = time.Second

var errUnneeded = errors.New("nobody wants to know any more")

// watchLater looks on a connection that is taken when it is time to.
func (c Changer) watchLater(ctx context.Context, pid uint32, after time.Duration) watch {
	return c.watch(ctx, func(ctx, looking context.Context, _ watch) (found []Backend, err error) {
		if err := sleep(ctx, after); err != nil {
			return nil, err
		}
		err = Run(looking, c.Watch, reading(), func(tx Tx) error {
			found, err = blockers(looking, tx, pid)
			return err
		})
		return found, err
	})
}

// watchNow waits until there is a connection to look on: the time that begins now is shorter than it
// takes to connect.
func (c Changer) watchNow(ctx context.Context, pid uint32, after time.Duration) watch {
	w := c.watch(ctx, func(ctx, looking context.Context, w watch) (found []Backend, err error) {
		conn, err := c.Watch.Acquire(looking)
		if err != nil {
			return nil, err
		}
		defer conn.Release()
		w.ready <- struct{}{}
		<-w.begun
		if err := sleep(ctx, after); err != nil {
			return nil, err
		}
		err = on(looking, c.Watch, conn, reading(), func(tx Tx) error {
			found, err = blockers(looking, tx, pid)
			return err
		})
		return found, err
	})
	select {
	case <-w.ready:
	case <-time.After(connecting):
	}
	close(w.begun)
	return w
}

func (c Changer) watch(ctx context.Context, look func(ctx, looking context.Context, w watch) ([]Backend, error)) watch {
	// A look under way is not cancelled, which would cost its connection.
	looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.DeadlockTimeout+hung)
	ctx, stop := context.WithCancel(ctx)
	w := watch{stop: stop, ready: make(chan struct{}, 2), begun: make(chan struct{}), seen: make(chan []Backend, 1)}
	go func() {
		defer cancel()
		found, err := look(ctx, looking, w)
		w.ready <- struct{}{} // nobody is to wait for what did not come about
		if err != nil {
			found = nil
		}
		w.seen <- found
	}()
	return w
}

func blockers(ctx context.Context, tx Tx, pid uint32) ([]Backend, error) {
	rows, err := tx.Query(ctx, blockersSQL, int(pid))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanBackend)
}

// end ends the watch and tells, after an error, what was seen.
func (w watch) end(err error) []Backend {
	w.stop()
	if err == nil {
		return nil
	}
	return <-w.seen
}

func sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return errUnneeded
	case <-time.After(pause):
		return nil
	}
}
