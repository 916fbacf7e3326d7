package throttle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/visible"
)

// signal is one condition that pauses a run.
type signal struct {
	name        string
	key         string                                // name for the pace if several signals have the same name; "" is name
	description string                                // as shown to the user
	read        func(context.Context) (string, error) // returns the reason to pause, "" for none

	mu       sync.Mutex
	readAt   time.Time // of the last successful reading
	err      error     // of the last reading
	reason   string    // as passed to the pace
	reported time.Time
}

// poll reads a signal at every interval. Each signal has its own goroutine, so that a reading that hangs does not delay
// others; watchStaleness detects it.
func (w *Watch) poll(ctx context.Context, s *signal) {
	ticker := time.NewTicker(w.pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = w.readSignal(ctx, s) // watchStaleness reports it
		}
	}
}

// pollNow reads a signal, and pauses the run until the next reading if that fails.
func (w *Watch) pollNow(ctx context.Context, s *signal) {
	if err := w.readSignal(ctx, s); err != nil && ctx.Err() == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.setReason(s, fmt.Sprintf("could not read %s yet: %s", s.description, visible.Error(err)))
	}
}

func (w *Watch) readSignal(ctx context.Context, s *signal) error {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	reason, err := s.read(bounded)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	if err == nil {
		s.readAt = time.Now()
		w.setReason(s, reason)
	}
	return err
}

// watchStaleness pauses the run for each signal whose last reading is too old.
func (w *Watch) watchStaleness(ctx context.Context) {
	ticker := time.NewTicker(w.pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, s := range w.signals {
			w.checkStale(s)
		}
	}
}

func (w *Watch) checkStale(s *signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := time.Since(s.readAt)
	if old <= w.staleAfter {
		return
	}
	reason := fmt.Sprintf("the last reading of %s is %s old", s.description, old.Round(time.Second))
	if s.err != nil && !errors.Is(s.err, context.DeadlineExceeded) {
		reason += " (" + visible.Error(s.err) + ")"
	}
	w.setReason(s, reason)
}

// setReason passes a signal's reason to the pace, or withdraws it if the reason is empty. The caller holds s.mu.
func (w *Watch) setReason(s *signal, reason string) {
	switch {
	case reason == s.reason:
		return
	case reason == "":
		w.pace.Resume(cmp.Or(s.key, s.name))
	case s.reason != "" && time.Since(s.reported) < reportInterval:
		return
	default:
		w.pace.Pause(cmp.Or(s.key, s.name), reason)
	}
	s.reason, s.reported = reason, time.Now()
}
