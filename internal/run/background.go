package run

import (
	"context"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

// poll calls do at the interval until the context ends. It ignores errors, since the next call follows soon.
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

// background returns a function that starts watchers and one that ends them. When end returns, none is running: a
// late watcher could report events after the end of the run, or cancel another statement.
func background(ctx context.Context) (start func(watch func(context.Context)), end func()) {
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	start = func(watch func(context.Context)) { all.Go(func() { watch(ctx) }) }
	return start, func() {
		stop()
		all.Wait()
	}
}

// cancelStatement cancels the current statement of a backend.
func cancelStatement(ctx context.Context, tx pg.Tx, pid uint32) error {
	_, err := tx.Exec(ctx, "SELECT pg_cancel_backend($1::int)", int64(pid))
	return err
}
