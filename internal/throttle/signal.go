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

// signal is one thing that is looked at.
type signal struct {
	name        string
	key         string                                // for the pace, where several have one name; "" is the name
	description string                                // for people
	read        func(context.Context) (string, error) // the objection, "" is none

	mu       sync.Mutex
	readAt   time.Time // of the last reading that came about
	err      error     // of the last one, if it did not
	reason   string    // the objection that the pace has
	reported time.Time
}

// poll looks at a signal again and again. A reading that hangs delays nobody else's, and is found out
// by its age.
func (w *Watch) poll(ctx context.Context, s *signal) {
	ticker := time.NewTicker(w.pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = w.readSignal(ctx, s) // its age tells
		}
	}
}

// insist looks, and objects until another look when that does not come about.
func (w *Watch) pollNow(ctx context.Context, s *signal) {
	if err := w.readSignal(ctx, s); err != nil && ctx.Err() == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.setReason(s, fmt.Sprintf("%s could not be read yet (%s)", s.description, visible.Error(err)))
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

// age objects in the name of every signal whose last reading is too old: what is not known is no
// reason to go on.
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
	reason := fmt.Sprintf("the reading of %s is stale: the last one is %s old", s.description, old.Round(time.Second))
	if s.err != nil && !errors.Is(s.err, context.DeadlineExceeded) {
		reason += " (" + visible.Error(s.err) + ")"
	}
	w.setReason(s, reason)
}

// object hands an objection to the pace, or takes it back; s is locked.
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
