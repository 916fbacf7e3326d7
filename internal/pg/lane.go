package pg

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Lane is a session of one's own, straight to the server, for one thing after the other: statements that
// cannot run in a transaction, and looks, whose plans it keeps. What it sets for the session reaches nobody
// else, since it is never given back to the pool. It is opened when it is needed, and again when it was lost
// while nothing was done on it.
type Lane struct {
	pool *pgxpool.Pool
	conn *pgx.Conn
	used time.Time
}

// NewLane opens nothing yet.
func NewLane(pool *pgxpool.Pool) *Lane { return &Lane{pool: pool} }

// resting is how long a session may have done nothing before it is asked whether it is there still.
const resting = time.Second

func (l *Lane) session(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		if time.Since(l.used) < resting || l.conn.Ping(ctx) == nil {
			return l.conn, nil
		}
	}
	l.Close(ctx)
	conn, err := own(ctx, l.pool)
	if err != nil {
		return nil, err
	}
	if err := attend(ctx, conn.PgConn()); err != nil {
		shut(ctx, conn)
		return nil, err
	}
	l.conn = conn
	return conn, nil
}

// own takes a connection out of the pool and makes its session independent of its role's settings. One that
// was ended while nobody used it is passed over, as by begin.
func own(ctx context.Context, pool *pgxpool.Pool) (*pgx.Conn, error) {
	for tries := int32(0); ; tries++ {
		acquired, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		conn := acquired.Hijack()
		if err = finish(conn.PgConn().Exec(ctx, independent(conn.PgConn()))); err == nil {
			return conn, nil
		}
		shut(ctx, conn)
		if tries == pool.Config().MaxConns+moments || ctx.Err() != nil || !ended(err) {
			return nil, err
		}
	}
}

// independent states for the session what else each transaction states of itself. All timeouts are off, since
// one of them striking would leave an invalid index, but for that of a transaction in which nothing is done.
func independent(conn *pgconn.PgConn) string {
	settings := []string{
		"SET statement_timeout = 0", // first: the role's runs until then
		"SET lock_timeout = 0", fmt.Sprintf("SET idle_in_transaction_session_timeout = %d", idleTimeout.Milliseconds()),
		"SET default_transaction_read_only = off", "SET default_transaction_isolation = 'read committed'", "SET default_transaction_deferrable = off",
		"SET synchronous_commit = local",
	}
	settings = append(settings, pinned(conn, "SET")...)
	// A known query is planned once, for all names, and reads some relations of the catalogue by their indexes. Without
	// this the plan would be one for a database that is as small as it is then, and read the catalogue as a whole.
	settings = append(settings, "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET enable_mergejoin = off")
	if major(conn) >= firstTransactionTimeout {
		settings = append(settings, "SET transaction_timeout = 0")
	}
	if major(conn) >= firstIdleTimeout {
		settings = append(settings, "SET idle_session_timeout = 0")
	}
	return strings.Join(settings, "; ")
}

// firstIdleTimeout is the major version that brought idle_session_timeout.
const firstIdleTimeout = 14

// shut closes a connection; nothing is left to be lost on it.
func shut(ctx context.Context, conn *pgx.Conn) {
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), hung)
	defer cancel()
	_ = conn.Close(clean)
}

// Read runs a function in one read-only transaction with one snapshot.
func (l *Lane) Read(ctx context.Context, work func(Tx) error) error {
	conn, err := l.session(ctx)
	if err != nil {
		return err
	}
	defer l.rest()
	begin := pgx.TxOptions{BeginQuery: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"}
	return pgx.BeginTxFunc(ctx, conn, begin, func(tx pgx.Tx) error { return work(Tx{tx: tx, keeps: true}) })
}

// Alone runs one statement outside of any transaction, without any timeout; started is told the session's
// process before, and may be nil.
func (l *Lane) Alone(ctx context.Context, sql string, started func(pid uint32)) error {
	conn, err := l.session(ctx)
	if err != nil {
		return err
	}
	defer l.rest()
	if started != nil {
		started(conn.PgConn().PID())
	}
	return finish(conn.PgConn().Exec(ctx, sql))
}

// Holds asks one question outside of any transaction, and tells whether it has a row for an answer.
func (l *Lane) Holds(ctx context.Context, sql string) (bool, error) {
	conn, err := l.session(ctx)
	if err != nil {
		return false, err
	}
	defer l.rest()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err == nil && len(results[len(results)-1].Rows) > 0, err
}

func (l *Lane) rest() { l.used = time.Now() }

// Close ends the session, if there is one; the next use opens another.
func (l *Lane) Close(ctx context.Context) {
	if l.conn == nil {
		return
	}
	shut(ctx, l.conn)
	l.conn = nil
}
