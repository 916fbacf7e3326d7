// Package probe measures what the application feels of a run: on a connection of its own it commits a tiny write and reads one
// row of the table in work, some twenty times a second.
package probe

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/impact"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	interval     = 50 * time.Millisecond // between two measurements, on average
	restInterval = 20 * time.Millisecond // while the run rests
	// activityInterval is the time between two readings of what else the server does.
	activityInterval = time.Second
	// slowest is when a statement is given up and its connection closed.
	slowest = 10 * time.Second
	// lockTimeout is how long a read waits for a lock on the table. A wait for a lock is not an impact of the backfill.
	lockTimeout = "200ms"
	// endTimeout is how long the end of a run waits for the current measurement.
	endTimeout = 100 * time.Millisecond
)

// Pauses before a lost connection is opened again.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 30 * time.Second
)

// Config describes a probe.
type Config struct {
	Pool     *pgxpool.Pool         // its configuration opens the connection, which does not belong to it
	Scope    string                // the schema of the run: the key of the probe's row
	Resting  func() bool           // whether the run rests now
	Record   func(impact.Sample)   // receives the samples, one at a time
	Major    int                   // the server's major version
	Activity func(impact.Activity) // receives what else the server does, once a second
	Failed   func(err error)       // is called when the first connection fails, and not again
}

// Probe measures until it ends. It is safe for concurrent use.
type Probe struct {
	config Config
	cancel context.CancelFunc
	stop   chan struct{}
	ended  chan struct{}

	stopping sync.Once

	mu    sync.Mutex
	table Table
	began time.Time // of the current measurement, zero between two
	kind  impact.Kind
}

// Table is the table whose rows are read. The zero value reads none.
type Table struct {
	Name  sqltext.Table
	OID   uint32
	Pages int64
}

// Start starts a probe, which connects in the background.
func Start(ctx context.Context, c Config) *Probe {
	ctx, cancel := context.WithCancel(ctx)
	p := &Probe{config: c, cancel: cancel, stop: make(chan struct{}), ended: make(chan struct{})}
	go p.run(ctx)
	return p
}

// SetTable changes the table to read from.
func (p *Probe) SetTable(t Table) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table = t
}

// Pending returns the current measurement as a sample, if it is running.
func (p *Probe) Pending(now time.Time) (s impact.Sample, running bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() {
		return s, false
	}
	return impact.Sample{At: p.began, Kind: p.kind, Took: now.Sub(p.began), Pending: true}, true
}

// End ends the probe. It waits a moment for the current measurement and then cancels it. It may be called again.
func (p *Probe) End() {
	p.stopping.Do(func() { close(p.stop) })
	select {
	case <-p.ended:
	case <-time.After(endTimeout):
	}
	p.cancel()
	<-p.ended
}

func (p *Probe) run(ctx context.Context) {
	defer close(p.ended)
	defer p.cancel()
	pause, connected := firstPause, false
	for {
		began := time.Now()
		conn, err := p.connect(ctx)
		if err == nil {
			connected = true
			err = p.measure(ctx, conn)
			hangUp(ctx, conn)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		if !connected {
			p.config.Failed(err)
			return
		}
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		if !p.sleep(ctx, pause/2+rand.N(pause)) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// connect opens the connection and writes the probe's row.
func (p *Probe) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	conn, err := pg.Dial(ctx, p.config.Pool)
	if err != nil {
		return nil, err
	}
	_, err = conn.PgConn().Exec(ctx, sqltext.Format("SET lock_timeout = {}; INSERT INTO rekey.probe (scope, commits) VALUES ({}, 0) ON CONFLICT (scope) DO NOTHING",
		sqltext.Value(lockTimeout), sqltext.Value(p.config.Scope))).ReadAll()
	if err != nil {
		hangUp(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// measure measures until the probe ends, with nil, or the connection is lost.
func (p *Probe) measure(ctx context.Context, conn *pgx.Conn) error {
	commit := sqltext.Format("UPDATE rekey.probe SET commits = commits + 1 WHERE scope = {}", sqltext.Value(p.config.Scope))
	for asked := (time.Time{}); ; {
		if time.Since(asked) >= activityInterval {
			asked = time.Now()
			p.activity(ctx, conn)
		}
		if err := p.sample(ctx, conn, impact.Commit, commit); err != nil {
			return err
		}
		if sql := p.read(); sql != "" {
			if err := p.sample(ctx, conn, impact.Read, sql); err != nil {
				return err
			}
		}
		pause := interval
		if p.config.Resting() {
			pause = restInterval
		}
		if !p.sleep(ctx, pause/2+rand.N(pause)) { // at random, so that it does not meet the batches at regular places
			return nil
		}
	}
}

// read returns a query that reads a random page of the table, "" without a table. It selects the row's address only: reading
// other columns could run code of the table's owner, such as a virtual column's.
func (p *Probe) read() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.table.Pages <= 0 {
		return ""
	}
	address := "(" + sqltext.Format("{}", rand.N(p.table.Pages)) + ",1)"
	return sqltext.Format("SELECT ctid FROM {} WHERE ctid = {}::tid", p.table.Name, sqltext.Value(address))
}

// sample runs one statement and records how long it took. A statement that the server refuses is not a sample.
func (p *Probe) sample(ctx context.Context, conn *pgx.Conn, kind impact.Kind, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	resting, began := p.config.Resting(), time.Now()
	p.begin(began, kind)
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	took := time.Since(began)
	p.begin(time.Time{}, kind)
	if err == nil {
		p.config.Record(impact.Sample{At: began, Kind: kind, Took: took, Resting: resting && p.config.Resting()})
		return nil
	}
	if conn.IsClosed() {
		return err
	}
	return nil
}

func (p *Probe) begin(at time.Time, kind impact.Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.kind = at, kind
}

// sleep waits, and reports whether the probe continues.
func (p *Probe) sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.stop:
		return false
	case <-ctx.Done():
		return false
	}
}

func hangUp(ctx context.Context, conn *pgx.Conn) {
	pg.Hangup(ctx, conn)
	select {
	case <-conn.PgConn().CleanupDone():
	case <-time.After(time.Second):
	}
}
