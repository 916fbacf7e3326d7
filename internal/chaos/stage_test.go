//go:build unix

package chaos

import (
	"context"
	"sync"
	"time"
)

// stage follows the runs of a trial.
type stage struct {
	mu         sync.Mutex
	changed    chan struct{}
	active     *process // the one that was started last
	statements int      // statements of all processes that changed the catalogue
}

func newStage() *stage { return &stage{changed: make(chan struct{})} }

// enter makes a process the active one.
func (s *stage) enter(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = p
	s.notify()
}

// saw receives every event of every process.
func (s *stage) saw(h eventLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.Event == "executing" {
		s.statements++
	}
	s.notify()
}

func (s *stage) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// working returns the active process once it is at work, or nil if the context ends before.
func (s *stage) working(ctx context.Context) *process {
	for {
		s.mu.Lock()
		active, changed := s.active, s.changed
		s.mu.Unlock()
		if active != nil && active.atWork() {
			return active
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// await waits for the time of a fault and returns the process at work, or nil if the context ends before.
func (s *stage) await(ctx context.Context, f fault) *process {
	if s.working(ctx) == nil {
		return nil
	}
	s.mu.Lock()
	due := s.statements + f.statements
	s.mu.Unlock()
	for {
		s.mu.Lock()
		now, changed := s.statements, s.changed
		s.mu.Unlock()
		if now >= due {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
	select {
	case <-time.After(f.after):
	case <-ctx.Done():
		return nil
	}
	return s.working(ctx)
}
