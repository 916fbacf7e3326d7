package run

import (
	"context"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

// every looks again and again until the context ends. Failing to look is no reason to end anything; the
// next look is near.
func poll(ctx context.Context, interval time.Duration, do func() error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = do()
		}
	}
}

// beside starts watchers of what is executed, and ends them. None is left when end returns: it would tell of
// what is over behind the end of the run, or cancel a session that has gone.
func background(ctx context.Context) (start func(watch func(context.Context)), end func()) {
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	start = func(watch func(context.Context)) { all.Go(func() { watch(ctx) }) }
	return start, func() {
		stop()
		all.Wait()
	}
}

// cancel ends what a backend executes, and not its session.
func cancelStatement(ctx context.Context, tx pg.Tx, pid uint32) error {
	_, err := tx.Exec(ctx, "SELECT pg_cancel_backend($1::int)", int64(pid))
	return err
}
