package backfill

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/rekey-pg/rekey/internal/pace"
)

// crew is the workers of one call of Parallel that have not ended.
type crew struct {
	mu      sync.Mutex
	working []bool        // by number
	changed chan struct{} // closed when a worker ends
}

// member is a worker of a crew, which its context carries.
type member struct {
	*crew
	number int
}

type memberKey struct{}

// rank returns how many workers with smaller numbers have not ended, and a channel that is closed when that changes.
func (m member) rank() (rank int, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, works := range m.working[:m.number] {
		if works {
			rank++
		}
	}
	return rank, m.changed
}

func (m member) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.working[m.number] = false
	close(m.changed)
	m.changed = make(chan struct{})
}

// Parallel runs so many workers as [Together] does. Engine.Wait lets as many of them work as the pace says.
func Parallel(ctx context.Context, workers int, work func(ctx context.Context, i int) error) error {
	all := &crew{working: make([]bool, workers), changed: make(chan struct{})}
	for i := range all.working {
		all.working[i] = true
	}
	return Together(ctx, workers, func(ctx context.Context, i int) error {
		m := member{all, i}
		defer m.end()
		return work(context.WithValue(ctx, memberKey{}, m), i)
	})
}

// Together calls work so many times side by side, and returns the first error other than ErrStopped, which ends the others; else
// ErrStopped if a call returned it. All of them work at once; the pace does not limit their number.
func Together(ctx context.Context, calls int, work func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var first error
	var group sync.WaitGroup
	for i := range calls {
		group.Go(func() {
			err := work(ctx, i)
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if first == nil || errors.Is(first, ErrStopped) && !errors.Is(err, ErrStopped) {
				first = err
			}
			if !errors.Is(err, ErrStopped) {
				cancel(err)
			}
		})
	}
	group.Wait()
	return first
}

// surplus reports whether a worker must wait because as many others work as the pace says, and returns a channel that is
// closed when a worker ends. A worker waits even if its region is not done; it continues when those before it have ended.
func (e *Engine) surplus(ctx context.Context) (bool, <-chan struct{}) {
	m, ok := ctx.Value(memberKey{}).(member)
	if !ok || e.Workers > 0 {
		return false, nil
	}
	rank, changed := m.rank()
	return rank >= max(e.Pace.Setting().Workers, 1), changed
}

// WorkerCount returns the number of workers to start: the most that any pace has. The pace says how many of them work.
func (e *Engine) WorkerCount() int {
	const spare = 4 // connections: two workers, the throttle and the heartbeat
	switch {
	case e.Workers > 0:
		return e.Workers
	case runtime.NumCPU() < 2, e.Pool.Config().MaxConns < spare:
		return 1
	default:
		return max(pace.Full.MaxWorkers(), e.Pace.Setting().Workers)
	}
}
