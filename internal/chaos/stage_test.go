//go:build unix

package chaos

import (
	"context"
	"sync"
	"time"
)

// stage is where the runs of a trial are seen.
type stage struct {
	mu         sync.Mutex
	changed    chan struct{}
	active     *process // the one that was begun last
	statements int      // that changed the catalogue, by all processes
}

func newStage() *stage { return &stage{changed: make(chan struct{})} }

// enter makes a process the active one.
func (s *stage) enter(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = p
	s.stir()
}

// saw takes every event of every process.
func (s *stage) saw(h happened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.Event == "executing" {
		s.statements++
	}
	s.stir()
}

func (s *stage) stir() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// working gives the active process as soon as it is at work; nil when the context ends before.
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

// await waits for the moment of a fault and gives the process that is at work then, nil when the
// context ends before.
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
