package page

import (
	"encoding/json"
	"slices"
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
	killed  bool   // the process of the run has ended without a result
	over    bool   // the process ends
	encoded *encodedView
}

// NewBoard returns an empty board.
func NewBoard() *Board {
	return &Board{shown: shown{encoded: &encodedView{}}, changed: make(chan struct{})}
}

// Event adds an event of a run in this process. A [event.RunStarted] begins a new run.
func (b *Board) Event(e event.Event, at time.Time) {
	b.change(func(s *shown) {
		if _, first := e.(event.RunStarted); first {
			s.state = history.State{}
		}
		s.state = history.Fold(s.state, history.Entry{Seq: s.state.Seq + 1, At: at, Event: e})
	})
}

// Show replaces the state. killed says that the process of its run has ended without a result.
func (b *Board) Show(state history.State, killed bool) {
	b.change(func(s *shown) {
		s.state, s.killed, s.trouble = state, killed, ""
		if killed {
			s.trouble = killedText
		}
	})
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
	b.shown.encoded = &encodedView{}
	close(b.changed)
	b.changed = make(chan struct{})
}

// working reports whether a run works or pauses.
func (s shown) working() bool { return s.state.Run != 0 && s.state.Result == nil && !s.killed }

// ended returns what is shown of a run whose process has ended without a result: it neither works, pauses nor waits.
func (s shown) ended() shown {
	s.state.Reason, s.state.Paused, s.state.Signal, s.state.Impact, s.state.Load = "", false, "", nil, nil
	s.state.Work = slices.Clone(s.state.Work)
	for i := range s.state.Work {
		t := &s.state.Work[i]
		t.Rate, t.Left, t.WaitsForLock = 0, 0, false
	}
	return s
}

// encodedView is the JSON of the view of one state of a board, so that many clients cost one encoding.
type encodedView struct {
	mu   sync.Mutex
	at   time.Time
	text json.RawMessage
}

// view returns the JSON of the view at a time. It is up to frameInterval old.
func (s shown) view(now time.Time) json.RawMessage {
	e := s.encoded
	e.mu.Lock()
	defer e.mu.Unlock()
	if age := now.Sub(e.at); e.text != nil && age >= 0 && age < frameInterval {
		return e.text
	}
	text, err := json.Marshal(viewOf(s, now))
	if err != nil { // NaN or an infinity, which no event contains
		return nil
	}
	e.at, e.text = now, text
	return text
}

// now returns what the board shows, and a channel that is closed when that changes.
func (b *Board) now() (shown, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown.killed {
		return b.shown.ended(), b.changed
	}
	return b.shown, b.changed
}
