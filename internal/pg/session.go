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

// Session is a connection that is taken out of the pool for good. It runs statements that cannot run in a
// transaction, and queries whose plans it keeps. Its settings reach no other client, since the connection never
// returns to the pool. It connects at its first use, and reconnects if the connection was lost while it was idle. A
// Session must not be used concurrently.
type Session struct {
	// Cluster says that the server is the coordinator of a Citus cluster: every node gets the timeouts of a change.
	Cluster bool

	pool    *pgxpool.Pool
	conn    *pgx.Conn
	backend backend
	used    time.Time

	opened  time.Time
	checked tableCheck // the last table that was found without old holders
}

// NewSession returns a session that connects at its first use.
func NewSession(pool *pgxpool.Pool) *Session { return &Session{pool: pool} }

// pingAfter is the idle time after which a session is pinged before it is used.
const pingAfter = time.Second

// connect returns the connection of the session, and opens one if there is none or it was lost.
func (l *Session) connect(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		if time.Since(l.used) < pingAfter || withTimeout(ctx, boundsOf(ctx).Probe, l.conn.Ping) == nil {
			return l.conn, nil
		}
	}
	l.Close(ctx)
	conn, backend, err := openSession(ctx, l.pool)
	if err != nil {
		return nil, err
	}
	l.conn, l.backend, l.opened = conn, backend, time.Now()
	return conn, nil
}

// openSession takes a connection out of the pool and makes it independent of its role's settings. Like begin, it
// replaces a connection that was closed while idle.
func openSession(ctx context.Context, pool *pgxpool.Pool) (conn *pgx.Conn, backend backend, err error) {
	err = openRetrying(ctx, pool, func(ctx context.Context) error {
		acquired, err := acquire(ctx, pool)
		if err != nil {
			return err
		}
		conn = acquired.Hijack()
		if backend, err = setUp(ctx, conn.PgConn()); err != nil {
			closeConn(ctx, conn)
		}
		return err
	})
	return conn, backend, err
}

// setUp applies sessionSettings and reads the identity of the backend.
func setUp(ctx context.Context, conn *pgconn.PgConn) (backend, error) {
	results, err := conn.Exec(ctx, sessionSettings(conn)+"; "+backendSQL).ReadAll()
	if err != nil {
		return backend{}, err
	}
	return backendOf(results[len(results)-1]), checkClientConnection(ctx, conn)
}

// sessionSettings returns statements that set for the session what a transaction of [Run] sets for itself. All
// timeouts are off, since one that ends CREATE INDEX CONCURRENTLY leaves an invalid index; only
// idle_in_transaction_session_timeout is set.
func sessionSettings(conn *pgconn.PgConn) string {
	settings := []string{
		"SET statement_timeout = 0", // first, since the role's timeout applies until then
		"SET lock_timeout = 0", fmt.Sprintf("SET idle_in_transaction_session_timeout = %d", idleTimeout.Milliseconds()),
		"SET default_transaction_read_only = off", "SET default_transaction_isolation = 'read committed'", "SET default_transaction_deferrable = off",
		"SET synchronous_commit = local",
	}
	settings = append(settings, pinned(conn, "SET")...)
	// A prepared query is planned once for all its parameters and reads some catalogue tables by index. Without
	// these settings the plan would fit the catalogue's size at that time, and would scan whole catalogue tables
	// later.
	settings = append(settings, "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET enable_mergejoin = off")
	if major(conn) >= firstTransactionTimeout {
		settings = append(settings, "SET transaction_timeout = 0")
	}
	if major(conn) >= firstIdleTimeout {
		settings = append(settings, "SET idle_session_timeout = 0")
	}
	return strings.Join(settings, "; ")
}

// firstIdleTimeout is the first major version that has idle_session_timeout.
const firstIdleTimeout = 14

// closeConn closes a connection on which nothing can be lost.
func closeConn(ctx context.Context, conn *pgx.Conn) { _ = closeNow(ctx, conn) }

func closeNow(ctx context.Context, conn *pgx.Conn) error {
	return withTimeout(context.WithoutCancel(ctx), stallTimeout, conn.Close)
}

// Read calls work in a read-only transaction with one snapshot (REPEATABLE READ). It calls work again on a new
// connection if the connection was lost.
func (l *Session) Read(ctx context.Context, work func(Tx) error) error {
	return Retry(ctx, func() error { return l.read(ctx, work) })
}

func (l *Session) read(ctx context.Context, work func(Tx) error) error {
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer l.touch()
	return readSettings().run(ctx, l.pool, conn, l.backend, &pipelinedTx{begin: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"}, work)
}

// ReadOutsideTx calls work, which runs one query outside of a transaction and reads all its rows. It calls work
// again on a new connection if the connection was lost.
func (l *Session) ReadOutsideTx(ctx context.Context, work func(Tx) error) error {
	return Retry(ctx, func() error {
		conn, err := l.connect(ctx)
		if err != nil {
			return err
		}
		defer l.touch()
		watched := startWatchdog(ctx, l.pool, conn.PgConn(), l.backend)
		return watched.end(work(Tx{conn: conn, prepares: true, watchdog: watched}))
	})
}

// Exec runs one statement outside of a transaction, without a timeout. Before, it calls started, which may be nil,
// with the process id of the session.
func (l *Session) Exec(ctx context.Context, sql string, started func(pid uint32)) error {
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer l.touch()
	if started != nil {
		started(conn.PgConn().PID())
	}
	watched := startWatchdog(ctx, l.pool, conn.PgConn(), l.backend)
	return watched.end(readAll(conn.PgConn().Exec(ctx, sql)))
}

// ExecGuarded runs one statement that may run in a transaction, if the queries fence and guard each return a row;
// "" skips a query. Otherwise it returns [ErrFenced] or [ErrAltered].
func (l *Session) ExecGuarded(ctx context.Context, fence, guard, sql string) error {
	checks := preconditionsOf(fence, guard)
	return l.repeatIfEnded(ctx, func(conn *pgx.Conn) error {
		results, err := l.send(ctx, conn.PgConn(), append(checks.statements(), sql))
		return checks.explain(err, 0, len(results))
	})
}

// send sends statements together and returns their results, up to the first error. A coordinator sends the whole text of a message on
// to its nodes, which accept one statement, so that each is a message of its own there, in one pipeline.
func (l *Session) send(ctx context.Context, conn *pgconn.PgConn, statements []string) ([]*pgconn.Result, error) {
	if !l.Cluster {
		return conn.Exec(ctx, strings.Join(statements, "; ")).ReadAll()
	}
	pipeline := &pgconn.Batch{}
	for _, sql := range statements {
		pipeline.ExecParams(sql, nil, nil, nil, nil)
	}
	return conn.ExecBatch(ctx, pipeline).ReadAll()
}

// repeatIfEnded calls do, and calls it again on a new connection if an administrator or idle_session_timeout has
// ended the session. It does not after other connection losses, since do may have caused those. Calling do twice
// must be harmless.
func (l *Session) repeatIfEnded(ctx context.Context, do func(*pgx.Conn) error) error {
	return retryWhile(ctx, endedByServer, func() error {
		conn, err := l.connect(ctx)
		if err != nil {
			return err
		}
		defer l.touch()
		watched := startWatchdog(ctx, l.pool, conn.PgConn(), l.backend)
		return watched.end(do(conn))
	})
}

// HasRow runs a query outside of a transaction and reports whether it returns a row.
func (l *Session) HasRow(ctx context.Context, sql string) (yes bool, err error) {
	err = Retry(ctx, func() error {
		conn, err := l.connect(ctx)
		if err != nil {
			return err
		}
		defer l.touch()
		watched := startWatchdog(ctx, l.pool, conn.PgConn(), l.backend)
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		yes = err == nil && len(results[len(results)-1].Rows) > 0
		return watched.end(err)
	})
	return yes, err
}

// touch records that the session was used just now.
func (l *Session) touch() { l.used = time.Now() }

// Close closes the connection, if there is one. The next use opens another.
func (l *Session) Close(ctx context.Context) {
	if l.conn == nil {
		return
	}
	closeConn(ctx, l.conn)
	l.conn = nil
}
