package page

import (
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

// Board holds what the page shows now. Its methods may be called by several goroutines, and none of them waits for a client.
type Board struct {
	mu      sync.Mutex
	shown   shown
	changed chan struct{} // closed at the next change
}

// shown is what a board shows.
type shown struct {
	state   history.State
	trouble string // why the state may be out of date; "" if it is not
	over    bool   // the process ends
}

// NewBoard returns an empty board.
func NewBoard() *Board { return &Board{changed: make(chan struct{})} }

// Event adds an event of a run in this process. A [event.RunStarted] begins a new run.
func (b *Board) Event(e event.Event, at time.Time) {
	b.change(func(s *shown) {
		if _, first := e.(event.RunStarted); first {
			s.state = history.State{}
		}
		s.state = history.Fold(s.state, history.Entry{Seq: s.state.Seq + 1, At: at, Event: e})
	})
}

// Show replaces the state, and says why it may be out of date, "" if it is not.
func (b *Board) Show(state history.State, trouble string) {
	b.change(func(s *shown) { s.state, s.trouble = state, trouble })
}

// Trouble says why the state may be out of date: "the database does not answer". "" ends it.
func (b *Board) Trouble(text string) {
	b.mu.Lock()
	same := b.shown.trouble == text
	b.mu.Unlock()
	if !same {
		b.change(func(s *shown) { s.trouble = text })
	}
}

// end says that the process ends.
func (b *Board) end() { b.change(func(s *shown) { s.over = true }) }

func (b *Board) change(alter func(*shown)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	alter(&b.shown)
	close(b.changed)
	b.changed = make(chan struct{})
}

// now returns what the board shows, and a channel that is closed when that changes.
func (b *Board) now() (shown, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown, b.changed
}
