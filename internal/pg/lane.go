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
type Session struct {
	pool *pgxpool.Pool
	conn *pgx.Conn
	of   backend
	used time.Time

	opened time.Time
	free   free // the last table that was
}

// NewLane opens nothing yet.
func NewSession(pool *pgxpool.Pool) *Session { return &Session{pool: pool} }

// resting is how long a session may have done nothing before it is asked whether it is there still.
const resting = time.Second

func (l *Session) session(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		if time.Since(l.used) < resting || within(ctx, boundsOf(ctx).Probe, l.conn.Ping) == nil {
			return l.conn, nil
		}
	}
	l.Close(ctx)
	conn, of, err := own(ctx, l.pool)
	if err != nil {
		return nil, err
	}
	l.conn, l.of, l.opened = conn, of, time.Now()
	return conn, nil
}

// own takes a connection out of the pool and makes its session independent of its role's settings. One that
// was ended while nobody used it is passed over, as by begin.
func own(ctx context.Context, pool *pgxpool.Pool) (conn *pgx.Conn, of backend, err error) {
	err = eventually(ctx, pool, func(ctx context.Context) error {
		acquired, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		conn = acquired.Hijack()
		if of, err = settle(ctx, conn.PgConn()); err != nil {
			shut(ctx, conn)
		}
		return err
	})
	return conn, of, err
}

// settle makes a session independent, and learns who is at the other end.
func settle(ctx context.Context, conn *pgconn.PgConn) (backend, error) {
	results, err := conn.Exec(ctx, independent(conn)+"; "+backendSQL).ReadAll()
	if err != nil {
		return backend{}, err
	}
	return backendOf(results[len(results)-1]), attend(ctx, conn)
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
func shut(ctx context.Context, conn *pgx.Conn) { _ = shutNow(ctx, conn) }

func shutNow(ctx context.Context, conn *pgx.Conn) error {
	return within(context.WithoutCancel(ctx), hung, conn.Close)
}

// Read runs a function in one read-only transaction with one snapshot, and again when the connection was lost.
func (l *Session) Read(ctx context.Context, work func(Tx) error) error {
	return Retry(ctx, func() error { return l.read(ctx, work) })
}

func (l *Session) read(ctx context.Context, work func(Tx) error) error {
	conn, err := l.session(ctx)
	if err != nil {
		return err
	}
	defer l.rest()
	return reading().run(ctx, l.pool, conn, l.of, &ends{begin: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"}, work)
}

// Once runs one query outside of a transaction, and again when the connection was lost. Work reads it to its end.
func (l *Session) ReadOutsideTx(ctx context.Context, work func(Tx) error) error {
	return Retry(ctx, func() error {
		conn, err := l.session(ctx)
		if err != nil {
			return err
		}
		defer l.rest()
		watched := keep(ctx, l.pool, conn.PgConn(), l.of)
		return watched.end(work(Tx{conn: conn, keeps: true, vigil: watched}))
	})
}

// Alone runs one statement outside of any transaction, without any timeout; started is told the session's
// process before, and may be nil.
func (l *Session) Exec(ctx context.Context, sql string, started func(pid uint32)) error {
	conn, err := l.session(ctx)
	if err != nil {
		return err
	}
	defer l.rest()
	if started != nil {
		started(conn.PgConn().PID())
	}
	watched := keep(ctx, l.pool, conn.PgConn(), l.of)
	return watched.end(finish(conn.PgConn().Exec(ctx, sql)))
}

// Guarded is Alone for a statement that may run in a transaction, and runs only if fence and guard return a row; "" asks
// nothing. Else it is ErrFenced or ErrAltered.
func (l *Session) ExecGuarded(ctx context.Context, fence, guard, sql string) error {
	asked := asking(fence, guard)
	return l.onLive(ctx, func(conn *pgx.Conn) error {
		results, err := conn.PgConn().Exec(ctx, strings.Join(append(asked.statements(), sql), "; ")).ReadAll()
		return asked.fault(err, 0, len(results))
	})
}

// onLive does something that may be done twice, and repeats it on another session where an administrator or a timeout has
// ended this one, usually while it was idle. A session that ends otherwise may have been ended by what was done on it.
func (l *Session) onLive(ctx context.Context, do func(*pgx.Conn) error) error {
	return repeat(ctx, dismissed, func() error {
		conn, err := l.session(ctx)
		if err != nil {
			return err
		}
		defer l.rest()
		watched := keep(ctx, l.pool, conn.PgConn(), l.of)
		return watched.end(do(conn))
	})
}

// Holds asks one question outside of any transaction, and tells whether it has a row for an answer.
func (l *Session) HasRow(ctx context.Context, sql string) (yes bool, err error) {
	err = Retry(ctx, func() error {
		conn, err := l.session(ctx)
		if err != nil {
			return err
		}
		defer l.rest()
		watched := keep(ctx, l.pool, conn.PgConn(), l.of)
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		yes = err == nil && len(results[len(results)-1].Rows) > 0
		return watched.end(err)
	})
	return yes, err
}

func (l *Session) rest() { l.used = time.Now() }

// Close ends the session, if there is one; the next use opens another.
func (l *Session) Close(ctx context.Context) {
	if l.conn == nil {
		return
	}
	shut(ctx, l.conn)
	l.conn = nil
}
