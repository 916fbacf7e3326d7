// Package probe measures what the application feels of a run: on a connection of its own it commits a tiny write and reads one
// row of the table in work, some thirty times a second. On another one it flushes the WAL of the run's batches, so that the application
// feels less of them.
package probe

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/impact"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	// interval is the time between two measurements, on average. It is the same while the run rests: a connection that is used more often
	// answers faster, so that the run would be the reason for a difference that it did not cause.
	interval = 30 * time.Millisecond
	// activityInterval is the time between two readings of what else the server does.
	activityInterval = time.Second
	// lockTimeout is how long a read waits for a lock on the table. A wait for a lock is not an impact of the backfill.
	lockTimeout = "200ms"
)

// Config describes a probe.
type Config struct {
	Pool     *pgxpool.Pool         // its configuration opens the connection, which does not belong to it
	Scope    string                // the schema of the run: the key of the probe's row
	Wanted   func() bool           // whether to measure now; without it the connection is idle
	Resting  func() bool           // whether the run rests now
	Record   func(impact.Sample)   // receives the samples, one at a time
	Major    int                   // the server's major version
	Activity func(impact.Activity) // receives what else the server does, once a second
	Failed   func(err error)       // is called when the first connection fails, and not again
}

// Probe measures until it ends. It is safe for concurrent use.
type Probe struct {
	config Config
	session

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
	p := &Probe{config: c}
	setUp := sqltext.Format("SET lock_timeout = {}; ", sqltext.Value(lockTimeout)) + commitSQL(c.Scope, "")
	p.start(ctx, c.Pool, setUp, p.measure, c.Failed)
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

// measure measures until the probe ends, with nil, or the connection is lost.
func (p *Probe) measure(ctx context.Context, conn *pgx.Conn) error {
	m := measuring{Probe: p, conn: conn}
	for {
		if p.config.Wanted() {
			if err := m.once(ctx); err != nil {
				return err
			}
		}
		if !p.sleep(ctx, interval/2+rand.N(interval)) { // at random, so that it does not meet the batches at regular places
			return nil
		}
	}
}

// measuring is a probe with a connection.
type measuring struct {
	*Probe

	conn    *pgx.Conn
	asked   time.Time // when the activity was read last
	address string    // of the row's current version
}

// once takes one sample of each kind, and reads the activity once a second. It returns an error if the connection is lost.
func (m *measuring) once(ctx context.Context) (err error) {
	if time.Since(m.asked) >= activityInterval {
		m.asked = time.Now()
		m.activity(ctx, m.conn)
	}
	if m.address, err = m.sample(ctx, m.conn, impact.Commit, commitSQL(m.config.Scope, m.address)); err != nil {
		return err
	}
	if sql := m.read(); sql != "" {
		_, err = m.sample(ctx, m.conn, impact.Read, sql)
	}
	return err
}

// commitSQL returns the tiny write, which returns the address of the row's new version. While an old transaction keeps the row's dead
// versions, finding the row by its key takes longer with each of them, so that its address is used; it is "" for a row that is not found
// there or does not exist.
func commitSQL(scope, address string) string {
	if address == "" {
		return sqltext.Format("INSERT INTO rekey.probe AS p (scope, commits) VALUES ({}, 1) ON CONFLICT (scope) DO UPDATE SET commits = p.commits + 1 RETURNING p.ctid",
			sqltext.Value(scope))
	}
	return sqltext.Format("UPDATE rekey.probe AS p SET commits = p.commits + 1 WHERE p.ctid = {}::tid AND p.scope = {} RETURNING p.ctid",
		sqltext.Value(address), sqltext.Value(scope))
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

// sample runs one statement, records how long it took, and returns the row that it returned. A statement that the server refuses is no
// sample, nor is a write that found no row.
func (p *Probe) sample(ctx context.Context, conn *pgx.Conn, kind impact.Kind, sql string) (row string, err error) {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	resting, began := p.config.Resting(), time.Now()
	p.begin(began, kind)
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	took := time.Since(began)
	p.begin(time.Time{}, kind)
	if err != nil {
		if conn.IsClosed() {
			return "", err
		}
		return "", nil
	}
	if rows := results[len(results)-1].Rows; len(rows) > 0 {
		row = string(rows[0][0])
	}
	if kind == impact.Read || row != "" {
		p.config.Record(impact.Sample{At: began, Kind: kind, Took: took, Resting: resting && p.config.Resting()})
	}
	return row, nil
}

func (p *Probe) begin(at time.Time, kind impact.Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.kind = at, kind
}
