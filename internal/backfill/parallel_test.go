package backfill

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// A worker above the number that the pace says waits until the number grows or one before it ends.
func TestSurplusWorkersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		speed := pace.New(pace.Full, 0)
		speed.Set(pace.Setting{Workers: 1})
		e := NewEngine(Job{Pace: speed})
		work := make([]chan struct{}, 3)
		for i := range work {
			work[i] = make(chan struct{})
		}
		began := make([]bool, len(work))
		done := make(chan error)
		go func() {
			done <- Parallel(t.Context(), len(work), func(ctx context.Context, i int) error {
				if err := e.Wait(ctx); err != nil {
					return err
				}
				began[i] = true
				<-work[i]
				return e.Wait(ctx)
			})
		}()
		expect := func(when string, want ...bool) {
			t.Helper()
			synctest.Wait()
			for i := range want {
				if began[i] != want[i] {
					t.Errorf("%s: worker %d works: %v", when, i, began[i])
				}
			}
		}
		expect("one worker", true, false, false)
		speed.Set(pace.Setting{Workers: 2})
		expect("two workers", true, true, false)
		speed.Set(pace.Setting{Workers: 1})
		close(work[1])
		expect("the second one waits again", true, true, false)
		close(work[0])
		synctest.Wait()
		expect("the first has ended, then the second", true, true, true)
		close(work[2])
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A waiting worker ends when the run stops, and when another worker fails.
func TestSurplusWorkersEnd(t *testing.T) {
	broken := errors.New("broken")
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			speed, stop := pace.New(pace.Full, 0), make(chan struct{})
			speed.Set(pace.Setting{Workers: 1})
			e := NewEngine(Job{Pace: speed, Stop: stop})
			err := Parallel(t.Context(), 2, func(ctx context.Context, i int) error {
				if i > 0 {
					return e.Wait(ctx)
				}
				time.Sleep(time.Second)
				if fails {
					return broken
				}
				close(stop)
				return e.Wait(ctx)
			})
			if want := map[bool]error{false: ErrStopped, true: broken}[fails]; !errors.Is(err, want) {
				t.Errorf("%v, not %v", err, want)
			}
		})
	}
}

// What runs together works at once, even if the pace has one worker.
func TestTogetherWorksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		speed := pace.New(pace.Gentle, 0)
		speed.Set(pace.Setting{Workers: 1})
		var begun sync.WaitGroup
		begun.Add(3)
		err := Together(t.Context(), 3, func(ctx context.Context, i int) error {
			if err := NewEngine(Job{Pace: speed}).Wait(ctx); err != nil {
				return err
			}
			begun.Done()
			begun.Wait() // a deadlock if one of them waits for another to end
			if i == 1 {
				return ErrStopped
			}
			return nil
		})
		if !errors.Is(err, ErrStopped) {
			t.Error(err)
		}
	})
}
