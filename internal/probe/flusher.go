package probe

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	// flushInterval is the shortest time from the end of a flush to the next one.
	flushInterval = 2 * time.Millisecond
	// flushShare bounds the share of the time in which a flush is running, and a COMMIT of the application may have to wait for its end: on
	// a slow disk the interval is so many times as long as a flush took, up to longestInterval. After a stall of the disk batches would
	// otherwise write WAL for a long time without a flush.
	flushShare, longestInterval = 4, 200 * time.Millisecond
	// slowestFlush is when a flush is given up and its connection closed, so that batches flush their own WAL until there is another one.
	slowestFlush = 2 * time.Second
	// checkInterval is how often the flusher checks for a new batch, and idleInterval after idleAfter without any. The first flush of a batch
	// must not be late, since it would be long.
	checkInterval, idleInterval, idleAfter = time.Millisecond, 50 * time.Millisecond, time.Second
)

// FlusherConfig describes a flusher.
type FlusherConfig struct {
	Pool    *pgxpool.Pool                      // its configuration opens the connection, which does not belong to it
	Scope   string                             // the schema of the run
	Batches func() (begun int64, running bool) // the number of batches that leave their WAL to the flusher, and whether one is running
}

// Flusher flushes the WAL of batches that commit asynchronously, in small parts on a connection of its own. So no COMMIT of the application
// has to write much WAL or waits for a long flush, and no batch waits for the disk. It is safe for concurrent use.
type Flusher struct {
	config FlusherConfig
	session
}

// StartFlusher starts a flusher, which connects in the background.
func StartFlusher(ctx context.Context, c FlusherConfig) *Flusher {
	f := &Flusher{config: c}
	f.start(ctx, c.Pool, flusherSetUp(c.Scope), f.flush, func(error) {})
	return f
}

// The flusher locks a row of its own. A row lock is written to the WAL, so that its COMMIT flushes all WAL before it; and unlike an
// update it leaves no dead version of the row and is not replicated logically.
func flusherSetUp(scope string) string {
	return sqltext.Format("SET synchronous_commit = local; SET lock_timeout = {}; INSERT INTO rekey.probe (scope, commits) VALUES ({}, 0) ON CONFLICT DO NOTHING",
		sqltext.Value(lockTimeout), sqltext.Value(flusherScope(scope)))
}

func lockSQL(scope string) string {
	return sqltext.Format("SELECT FROM rekey.probe WHERE scope = {} FOR UPDATE", sqltext.Value(flusherScope(scope)))
}

// flusherScope is the key of the flusher's row. A run of a schema of that name would only share the row.
func flusherScope(scope string) string { return "flusher of " + scope }

// errNoRow is returned by a flush that has found no row to lock, and has flushed nothing.
var errNoRow = errors.New("the row of the flusher is gone")

// flush flushes until the flusher ends, with nil, or a flush fails. Then the flusher is not connected, so that batches flush their own WAL, until
// it has a new connection, with which it writes its row again.
func (f *Flusher) flush(ctx context.Context, conn *pgx.Conn) error {
	if err := f.prepare(ctx, conn); err != nil {
		return err
	}
	var flushed int64
	last := time.Now()
	for {
		pause := checkInterval
		if time.Since(last) > idleAfter {
			pause = idleInterval
		}
		if begun, running := f.config.Batches(); running || begun != flushed {
			began := time.Now()
			if err := flushOnce(ctx, conn); err != nil {
				return err
			}
			last = time.Now()
			pause = min(max(flushInterval, flushShare*last.Sub(began)), longestInterval)
			if !running {
				flushed = begun
			}
		}
		if !f.sleep(ctx, pause) {
			return nil
		}
	}
}

// lockStatement is the name of the prepared statement of lockSQL.
const lockStatement = "rekey_flush"

func (f *Flusher) prepare(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	_, err := conn.PgConn().Prepare(ctx, lockStatement, lockSQL(f.config.Scope), nil)
	return err
}

// flushOnce flushes once.
func flushOnce(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, slowestFlush)
	defer cancel()
	result := conn.PgConn().ExecPrepared(ctx, lockStatement, nil, nil, nil).Read()
	if result.Err == nil && result.CommandTag.RowsAffected() == 0 {
		return errNoRow
	}
	return result.Err
}
