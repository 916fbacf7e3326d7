// Package throttle looks, while a run is at work, at what should make it stand still: standbys that
// fall behind, WAL that slots keep back, old snapshots, a vacuum against wraparound, a question of the
// user's own, a file. Each is a signal; each objection goes to the pace, with its reason in words.
package throttle

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Limits say when a run stands still.
type Limits struct {
	MaxLag         time.Duration // of a standby or a logical subscriber; 0 is DefaultLag
	MaxRetainedWAL int64         // bytes that a slot keeps back; 0 is DefaultRetainedWAL
	MaxSnapshotAge time.Duration // of what keeps dead rows from being pruned; 0: it is only told of
	Query          string        // one row, one column, boolean or text; true or a text is the objection
	File           string        // while it exists the run stands still
	Standbys       []*pg.Standby // that must be readable
	Without        []string      // names of signals that are not looked at
}

// The limits where none is given.
const (
	DefaultMaxLag         = 10 * time.Second
	DefaultMaxRetainedWAL = 10 << 30
)

// The names of the signals.
const (
	Lag        = "lag"
	WAL        = "wal"
	Snapshots  = "snapshots"
	Wraparound = "wraparound"
	Query      = "query"
	File       = "file"
	Standby    = "standby"
)

// Names are those of all signals.
func Names() []string { return []string{Lag, WAL, Snapshots, Wraparound, Query, File, Standby} }

const (
	pollInterval   = time.Second
	readTimeout    = 5 * time.Second  // for one reading, with the wait for a connection
	staleAfter     = 15 * time.Second // an older reading is as good as an objection
	reportInterval = 5 * time.Second  // a reason whose figures change is told no more often
)

// Place is what a run is at work on.
type Activity struct {
	Table   string // quoted and qualified; "" between tables
	Filling bool
	Small   bool // a vacuum of it takes a moment: what is about it is read with the other signals, once a second
}

// Watch looks at the signals until its context ends.
type Watch struct {
	pool         *pgxpool.Pool
	pace         *pace.Pace
	emit         event.Sink
	turn         chan struct{} // no more than one connection at a time is taken from the work
	staleAfter   time.Duration
	pollInterval time.Duration
	signals      []*signal
	ending       sync.WaitGroup

	mu       sync.Mutex
	limits   Limits
	activity Activity
}

// Start takes a first reading of every signal and goes on in the background until the context ends;
// Wait waits for that. Of the pool it never has more than one connection.
func Start(ctx context.Context, pool *pgxpool.Pool, speed *pace.Pace, limits Limits, emit event.Sink) *Watch {
	w := prepare(pool, speed, limits, emit)
	w.start(ctx)
	return w
}

func prepare(pool *pgxpool.Pool, speed *pace.Pace, limits Limits, emit event.Sink) *Watch {
	w := &Watch{pool: pool, pace: speed, emit: emit, limits: limits, turn: make(chan struct{}, 1), staleAfter: staleAfter, pollInterval: pollInterval}
	w.signals = w.newSignals()
	return w
}

// signals are those that are looked at.
func (w *Watch) newSignals() []*signal {
	var wal walSignal
	var lag lagSignal
	var snapshots snapshotSignal
	all := []*signal{
		{name: Lag, description: "the standbys' lag", read: func(ctx context.Context) (string, error) { return lag.read(ctx, w) }},
		{name: WAL, description: "the WAL that slots keep back", read: func(ctx context.Context) (string, error) { return wal.read(ctx, w) }},
		{name: Snapshots, description: "the oldest snapshot", read: func(ctx context.Context) (string, error) { return snapshots.read(ctx, w) }},
		{name: Wraparound, description: "vacuums against wraparound", read: w.wraparound},
	}
	if w.limits.Query != "" {
		all = append(all, &signal{name: Query, description: "the throttle query", read: w.readQuery})
	}
	if w.limits.File != "" {
		all = append(all, &signal{name: File, description: "the throttle file", read: w.readFile})
	}
	all = append(all, w.standbySignals()...)
	return slices.DeleteFunc(all, func(s *signal) bool { return slices.Contains(w.limits.Without, s.name) })
}

func (w *Watch) start(ctx context.Context) {
	for _, s := range w.signals {
		s.readAt = time.Now()
		w.pollNow(ctx, s)
	}
	for _, s := range w.signals {
		w.ending.Go(func() { w.poll(ctx, s) })
	}
	w.ending.Go(func() { w.watchStaleness(ctx) })
}

// Wait waits for the end of what Start began.
func (w *Watch) Wait() { w.ending.Wait() }

// At sets what the run works on, and reads at once the signals of that table, unless it is small. A nil Watch ignores it.
func (w *Watch) SetActivity(ctx context.Context, p Activity) {
	if w == nil {
		return
	}
	w.mu.Lock()
	moved := p.Table != w.activity.Table
	w.activity = p
	w.mu.Unlock()
	for _, s := range w.signals {
		if moved && !p.Small && s.name == Wraparound {
			w.pollNow(ctx, s)
		}
	}
}

// SetMaxLag changes the limit of the standbys' lag.
func (w *Watch) SetMaxLag(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limits.MaxLag = d
}

func (w *Watch) current() (Limits, Activity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.limits
	if l.MaxLag <= 0 {
		l.MaxLag = DefaultMaxLag
	}
	if l.MaxRetainedWAL <= 0 {
		l.MaxRetainedWAL = DefaultMaxRetainedWAL
	}
	return l, w.activity
}

// query runs a short read when it is this signal's turn.
func (w *Watch) query(ctx context.Context, work func(pg.Tx) error) error {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return inReadTransaction(ctx, w.pool, work)
}

// read is a transaction in which nothing can be changed and nothing takes long.
func inReadTransaction(ctx context.Context, pool *pgxpool.Pool, work func(pg.Tx) error) error {
	return pg.Run(ctx, pool, readSettings(time.Second), work)
}

// reading is a transaction whose statements take so long at most.
func readSettings(statementTimeout time.Duration) pg.Settings {
	return pg.Settings{ReadOnly: true, Lock: time.Second, Statement: statementTimeout, Idle: readTimeout}
}

// MaxLag is the limit of the standbys' lag now.
func (w *Watch) MaxLag() time.Duration {
	limits, _ := w.current()
	return limits.MaxLag
}
