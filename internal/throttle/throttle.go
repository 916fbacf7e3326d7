// Package throttle pauses a run while the database is under pressure: standbys lag, replication slots retain WAL, old
// snapshots prevent the removal of dead rows, an autovacuum prevents wraparound, or the user's throttle query or throttle
// file demands it. Each condition is a signal, which passes the reason to the run's pace.
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

// Limits say when a run is paused.
type Limits struct {
	MaxLag         time.Duration // of a standby or logical subscriber. Default: DefaultMaxLag.
	MaxRetainedWAL int64         // bytes that a slot may retain. Default: DefaultMaxRetainedWAL.
	MaxSnapshotAge time.Duration // of what prevents the removal of dead rows; 0 only reports it
	Query          string        // returns one boolean or text; true or a text pauses the run
	File           string        // pauses the run while it exists
	Standbys       []*pg.Standby // that must be readable
	Without        []string      // names of signals that are not read
}

// The default limits.
const (
	DefaultMaxLag         = 10 * time.Second
	DefaultMaxRetainedWAL = 10 << 30
)

// Names of the signals.
const (
	Lag        = "lag"
	WAL        = "wal"
	Snapshots  = "snapshots"
	Wraparound = "wraparound"
	Query      = "query"
	File       = "file"
	Standby    = "standby"
)

// Names returns the names of all signals.
func Names() []string { return []string{Lag, WAL, Snapshots, Wraparound, Query, File, Standby} }

const (
	pollInterval   = time.Second
	readTimeout    = 5 * time.Second  // of one reading, including the wait for a connection
	staleAfter     = 15 * time.Second // an older reading pauses the run
	reportInterval = 5 * time.Second  // between two versions of a reason whose figures change
)

// Activity is what a run is doing.
type Activity struct {
	Table   string // quoted and qualified; "" between tables
	Filling bool
	Small   bool // a vacuum of the table is brief, so that its signals are read with the others, once a second
}

// Watch reads the signals until its context ends. It is safe for concurrent use.
type Watch struct {
	pool         *pgxpool.Pool
	pace         *pace.Pace
	emit         event.Sink
	turn         chan struct{} // limits the signals to one connection at a time
	staleAfter   time.Duration
	pollInterval time.Duration
	signals      []*signal
	ending       sync.WaitGroup

	mu       sync.Mutex
	limits   Limits
	activity Activity
}

// Start reads every signal once, starts to read them in the background until the context ends, and returns. It uses at
// most one connection of the pool at a time.
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

// newSignals returns the signals to read.
func (w *Watch) newSignals() []*signal {
	var wal walSignal
	var lag lagSignal
	var snapshots snapshotSignal
	all := []*signal{
		{name: Lag, description: "the standbys' lag", read: func(ctx context.Context) (string, error) { return lag.read(ctx, w) }},
		{name: WAL, description: "the WAL that slots retain", read: func(ctx context.Context) (string, error) { return wal.read(ctx, w) }},
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

// Wait waits for the end of the background reading.
func (w *Watch) Wait() { w.ending.Wait() }

// SetActivity sets what the run is doing. At a new table, unless it is small, it reads that table's signals before it
// returns. A nil Watch ignores it.
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

// SetMaxLag changes the limit of the lag.
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

// query runs a short read when it is this signal's turn for the connection.
func (w *Watch) query(ctx context.Context, work func(pg.Tx) error) error {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return inReadTransaction(ctx, w.pool, work)
}

// inReadTransaction runs work in a read-only transaction with a short statement_timeout.
func inReadTransaction(ctx context.Context, pool *pgxpool.Pool, work func(pg.Tx) error) error {
	return pg.Run(ctx, pool, readSettings(time.Second), work)
}

// readSettings returns the settings of a read-only transaction.
func readSettings(statementTimeout time.Duration) pg.Settings {
	return pg.Settings{ReadOnly: true, Lock: time.Second, Statement: statementTimeout, Idle: readTimeout}
}

// MaxLag returns the current limit of the lag.
func (w *Watch) MaxLag() time.Duration {
	limits, _ := w.current()
	return limits.MaxLag
}
