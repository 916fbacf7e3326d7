// Package pg runs transactions that override the role's settings, applies catalogue changes with bounded lock
// waits, and provides sessions for statements that cannot run in a transaction.
package pg

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Tx is a transaction. Its statements are not prepared (pgx's QueryExecModeExec), except for queries on a
// [Session]: prepared statements would stay on a pooler's connection, and fail with "cached plan must not change
// result type" when a table is altered.
type Tx struct {
	conn           *pgx.Conn
	prepares       bool          // the connection is a Session's: QueryPrepared and QueryAll keep plans
	timeout        time.Duration // statement_timeout plus Bounds.Late; 0 is none
	watchdog       *watchdog
	pipelined      *pipelinedTx // of a Session's transaction; nil if BEGIN is a message of its own
	commitWithLast bool
	committed      *bool // by the message of the last statement
	trip           time.Duration
}

// pipelinedTx sends BEGIN and COMMIT of a session's transaction in the messages of its first and last queries: a
// round trip takes as long as a catalogue query.
type pipelinedTx struct {
	begin string
	begun bool
}

// CommitWithLast returns a transaction that [Tx.QueryAllLast] commits in the message of its queries. After that the
// transaction cannot be used. On a transaction that is not a session's it has no effect.
func (t Tx) CommitWithLast() Tx {
	t.commitWithLast = t.pipelined != nil
	return t
}

// start sends BEGIN if no query has sent it.
func (t Tx) start(ctx context.Context) error {
	if t.pipelined == nil || t.pipelined.begun {
		return nil
	}
	t.pipelined.begun = true
	return withTimeout(ctx, boundsOf(ctx).Silent, func(ctx context.Context) error { return readAll(t.conn.PgConn().Exec(ctx, t.pipelined.begin)) })
}

// StatementContext returns a context that ends shortly after the server's statement_timeout, if there is one, so
// that the client ends a statement that the server does not. Statements on [Tx.Conn] need it.
func (t Tx) StatementContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, t.timeout)
}

// RowArrived records that data has arrived. Callers that read rows from [Tx.Conn] must call it.
func (t Tx) RowArrived() { t.watchdog.recordActivity() }

// Exec runs a statement.
func (t Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := t.start(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	ctx, done := t.StatementContext(ctx)
	defer done()
	return t.conn.Exec(ctx, sql, unprepared(args)...)
}

// Query runs a query. The caller must close the rows.
func (t Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := t.start(ctx); err != nil {
		return nil, err
	}
	ctx, done := t.StatementContext(ctx)
	found, err := t.conn.Query(ctx, sql, unprepared(args)...)
	if err != nil {
		done()
		return found, err
	}
	return &rows{Rows: found, tx: t, done: done}, nil
}

// QueryPrepared runs a query whose text is constant. A [Session] plans it once, any other connection each time.
func (t Tx) QueryPrepared(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.prepares {
		ctx, done := t.StatementContext(ctx)
		defer done()
		if _, err := t.conn.Prepare(ctx, sql, sql); err != nil {
			return nil, err
		}
	}
	return t.Query(ctx, sql, args...) //nolint:sqlclosecheck // the caller closes them
}

// Query is a query for [Tx.QueryAll]: a constant text, its arguments and a function that reads the rows, which may
// be nil.
type Query struct {
	SQL  string
	Args []any
	Read func(pgx.Rows) error
}

// QueryAll runs independent queries. A [Session] sends them in one message, since the round trips of the many
// catalogue queries would take longer than the queries.
func (t Tx) QueryAll(ctx context.Context, queries ...Query) error {
	if !t.prepares {
		for _, q := range queries {
			found, err := t.Query(ctx, q.SQL, q.Args...)
			if err == nil {
				err = q.Read(found)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return t.send(ctx, queries)
}

// QueryAllLast runs the last queries of a transaction. See [Tx.CommitWithLast].
func (t Tx) QueryAllLast(ctx context.Context, queries ...Query) error {
	if !t.commitWithLast {
		return t.QueryAll(ctx, queries...)
	}
	if err := t.send(ctx, append(queries, Query{SQL: "COMMIT"})); err != nil {
		return err
	}
	*t.committed = true
	return nil
}

// send sends the queries in one message, preceded by BEGIN if it has not been sent.
func (t Tx) send(ctx context.Context, queries []Query) error {
	ctx, done := t.StatementContext(ctx)
	defer done()
	if t.pipelined != nil && !t.pipelined.begun {
		queries = append([]Query{{SQL: t.pipelined.begin}}, queries...)
	}
	batch := &pgx.Batch{}
	for _, q := range queries {
		if _, err := t.conn.Prepare(ctx, q.SQL, q.SQL); err != nil {
			return err
		}
		queued := batch.Queue(q.SQL, q.Args...)
		if q.Read == nil {
			continue
		}
		queued.Query(func(found pgx.Rows) error {
			t.RowArrived()
			return q.Read(found)
		})
	}
	if t.pipelined != nil {
		t.pipelined.begun = true
	}
	return t.conn.SendBatch(ctx, batch).Close()
}

// QueryRow runs a query that returns one row.
func (t Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.start(ctx); err != nil {
		return failedRow{err}
	}
	ctx, done := t.StatementContext(ctx)
	return row{Row: t.conn.QueryRow(ctx, sql, unprepared(args)...), done: done}
}

// Conn returns the connection of the transaction. It panics on a session's transaction, whose BEGIN may not have
// been sent.
func (t Tx) Conn() *pgx.Conn {
	if t.pipelined != nil {
		panic("pg: Conn called on the transaction of a Session")
	}
	return t.conn
}

// failedRow is the row of a query that was not sent.
type failedRow struct{ err error }

func (f failedRow) Scan(...any) error { return f.err }

// rows cancels the context of its query when it is closed, and records activity.
type rows struct {
	pgx.Rows
	tx   Tx
	done func()
}

func (r *rows) Next() bool {
	next := r.Rows.Next()
	r.tx.RowArrived()
	if !next {
		r.done()
	}
	return next
}

func (r *rows) Close() {
	r.Rows.Close()
	r.done()
}

// row cancels the context of its query when it is read.
type row struct {
	pgx.Row
	done func()
}

func (r row) Scan(into ...any) error {
	defer r.done()
	return r.Row.Scan(into...)
}

func unprepared(args []any) []any {
	return append([]any{pgx.QueryExecModeExec}, args...)
}

// Settings configure a transaction. They override the defaults of the role and the database.
type Settings struct {
	ReadOnly          bool
	Snapshot          bool          // REPEATABLE READ if true, else READ COMMITTED
	SnapshotLater     bool          // the first query of the work takes the snapshot, so that LOCK TABLE can precede it
	Lock              time.Duration // lock_timeout; 0 disables it
	Statement         time.Duration // statement_timeout; 0 disables it
	Idle              time.Duration // idle_in_transaction_session_timeout; 0 is 10s
	SynchronousCommit string        // synchronous_commit: "on", "local" or "off"; "" is "local"
	Replica           bool          // session_replication_role = replica: ordinary triggers do not fire
	Fill              bool          // rekey.fill = on: the triggers of an edge recognise the filling of its column
	ByIndex           bool          // the planner prefers indexes to sequential scans, even if the statistics favor those
	// Preconditions are sent in the message of BEGIN, so that they cost no round trip. They must not contain user-defined names.
	Preconditions []Precondition
}

// idleTimeout ends a transaction whose client has stopped or vanished. Its locks, and its snapshot, which CREATE
// INDEX CONCURRENTLY waits for, would otherwise last until TCP notices, which takes hours. It is shorter than the
// 12 s after which a lease expires.
const idleTimeout = 10 * time.Second

// begin returns BEGIN and the settings as one message. Every setting is local to the transaction, so that a
// pooler's next client does not inherit it. The message contains no user-defined name, because the server decodes
// all of it with the client encoding that was set before.
func (s Settings) begin(conn *pgconn.PgConn) string {
	level, access := "READ COMMITTED", "READ WRITE"
	if s.Snapshot {
		level = "REPEATABLE READ"
	}
	if s.ReadOnly {
		access = "READ ONLY"
	}
	idle := s.Idle
	if idle == 0 {
		idle = idleTimeout
	}
	statements := []string{
		fmt.Sprintf("BEGIN ISOLATION LEVEL %s %s", level, access),
		fmt.Sprintf("SET LOCAL statement_timeout = %d", s.Statement.Milliseconds()), // first, since the role's timeout applies until then
		fmt.Sprintf("SET LOCAL lock_timeout = %d", s.Lock.Milliseconds()),
		fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", idle.Milliseconds()),
	}
	statements = append(statements, pinned(conn, "SET LOCAL")...)
	if major(conn) >= firstTransactionTimeout {
		statements = append(statements, "SET LOCAL transaction_timeout = 0")
	}
	durability := s.SynchronousCommit
	if durability == "" {
		durability = "local" // otherwise a synchronous standby that does not answer would block COMMIT, while the locks are held
	}
	statements = append(statements, "SET LOCAL synchronous_commit = "+durability)
	if s.Replica {
		statements = append(statements, "SET LOCAL session_replication_role = replica")
	}
	if s.Fill {
		statements = append(statements, "SET LOCAL rekey.fill = 'on'")
	}
	if s.ByIndex {
		statements = append(statements, ByIndex()...)
	}
	return strings.Join(statements, "; ")
}

// ByIndex returns the statements of [Settings.ByIndex].
func ByIndex() []string {
	return []string{"SET LOCAL enable_seqscan = off", "SET LOCAL enable_hashjoin = off", "SET LOCAL enable_mergejoin = off"}
}

// firstTransactionTimeout is the first major version that has transaction_timeout.
const firstTransactionTimeout = 17

// major returns the server's major version, as the server reported it at connection start.
func major(conn *pgconn.PgConn) int {
	version := conn.ParameterStatus("server_version") // "15.18 (Debian …)", "19beta1"
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	number, err := strconv.Atoi(version[:end])
	if err != nil {
		return 0 // unknown: settings of newer versions are not used
	}
	return number
}

// convertsEncoding reports whether the server converts between the database's encoding and UTF-8. A database with
// SQL_ASCII stores bytes unconverted.
func convertsEncoding(conn *pgconn.PgConn) bool {
	return conn.ParameterStatus("server_encoding") != "SQL_ASCII"
}

// Run calls work in a transaction and commits it. It rolls back if work returns an error or the context ends. A
// [*CommitError] reports that the result of COMMIT is unknown.
func Run(ctx context.Context, pool *pgxpool.Pool, s Settings, work func(Tx) error) error {
	start := time.Now()
	conn, backend, err := begin(ctx, pool, s)
	if err != nil {
		return err
	}
	defer conn.Release()
	trip := time.Since(start)
	return s.run(ctx, pool, conn.Conn(), backend, nil, func(tx Tx) error {
		tx.trip = trip
		return work(tx)
	})
}

// Trip returns how long the transaction took to begin: a little more than a round trip. On a session it is 0.
func (t Tx) Trip() time.Duration { return t.trip }

// run calls work in a transaction that has begun, then ends it. On a session BEGIN is sent with the first queries.
func (s Settings) run(ctx context.Context, pool *pgxpool.Pool, conn *pgx.Conn, backend backend, pipelined *pipelinedTx, work func(Tx) error) error {
	committed := false
	tx := Tx{conn: conn, prepares: pipelined != nil, pipelined: pipelined, committed: &committed, watchdog: startWatchdog(ctx, pool, conn.PgConn(), backend)}
	if s.Statement > 0 {
		tx.timeout = s.Statement + boundsOf(ctx).Late
	}
	worked := false
	defer func() {
		if !worked { // work panicked
			_ = tx.watchdog.end(nil)
			rollback(ctx, conn)
		}
	}()
	err := work(tx)
	worked = true
	if err != nil {
		rollback(ctx, conn)
		return tx.watchdog.end(err)
	}
	if !committed && (pipelined == nil || pipelined.begun) {
		err = commit(ctx, conn)
	}
	return tx.watchdog.end(err)
}

// begin begins a transaction on a connection of the pool. If the connection was closed while idle, by
// idle_session_timeout or an administrator, or nothing arrives on it, begin uses another one, as long as the server
// answers.
func begin(ctx context.Context, pool *pgxpool.Pool, s Settings) (connection, backend, error) {
	var conn connection
	var backend backend
	err := openRetrying(ctx, pool, func(ctx context.Context) error {
		var err error
		if conn, err = acquire(ctx, pool); err != nil {
			return err
		}
		if backend, err = s.open(ctx, conn.Conn().PgConn()); err != nil {
			if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
				rollback(ctx, conn.Conn())
			}
			conn.Release()
		}
		return err
	})
	return conn, backend, err
}

// open begins the transaction and reads the identity of the backend.
func (s Settings) open(ctx context.Context, conn *pgconn.PgConn) (backend, error) {
	if s.SnapshotLater {
		results, err := conn.Exec(ctx, "BEGIN; "+backendSQL+"; COMMIT; "+s.begin(conn)).ReadAll()
		if err != nil {
			return backend{}, err
		}
		return backendOf(results[1]), nil
	}
	begin, required := s.begin(conn), preconditions(s.Preconditions)
	results, err := conn.Exec(ctx, strings.Join(append([]string{begin, backendSQL}, required.statements()...), "; ")).ReadAll()
	if err != nil {
		return backend{}, required.explain(err, strings.Count(begin, ";")+2, len(results)) //nolint:mnd // the last SET and the backend
	}
	return backendOf(results[len(results)-1-len(required)]), nil
}

// openRetrying calls open, and calls it again if the connection was closed or silent. Each call is bounded by
// Bounds.Probe. A call that times out is repeated as long as the server answers new connections: the pool is busy,
// or holds more silent connections.
func openRetrying(ctx context.Context, pool *pgxpool.Pool, open func(context.Context) error) error {
	bounds, answered := boundsOf(ctx), time.Now()
	for roleTimeouts := int32(0); ; {
		err := withTimeout(ctx, bounds.Probe, open)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || !sessionEnded(err):
			return err
		case errors.Is(err, context.DeadlineExceeded):
			if serverAnswers(ctx, pool) {
				answered = time.Now()
			} else if time.Since(answered) >= bounds.Silent {
				return &SilentError{For: bounds.Silent, Unreachable: true, Err: err}
			}
		default:
			if roleTimeouts++; roleTimeouts > pool.Config().MaxConns+maxRoleTimeouts {
				return err
			}
		}
	}
}

// WithConn calls do with a connection of the pool, outside of any transaction and without any settings, for servers
// whose version is unknown. It calls do again on another connection if the connection was lost or silent. The call
// is bounded by Bounds.Probe.
func WithConn(ctx context.Context, pool *pgxpool.Pool, do func(context.Context, *pgx.Conn) error) error {
	return openRetrying(ctx, pool, func(ctx context.Context) error {
		conn, err := acquire(ctx, pool)
		if err != nil {
			return err
		}
		defer conn.Release()
		return do(ctx, conn.Conn())
	})
}

func withTimeout(ctx context.Context, timeout time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return do(ctx)
}

// maxRoleTimeouts is how many times in a row the role's own short timeouts may end a session before rekey has
// disabled them. That happens on a busy machine.
const maxRoleTimeouts = 10

// sessionEnded reports whether the session was closed, or the role's own statement_timeout ended a statement before
// it was disabled.
func sessionEnded(err error) bool {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	return !ok || serverErr.SeverityUnlocalized != "ERROR" || serverErr.Code == pgerrcode.QueryCanceled
}

// runOn is [Run] on a connection that the caller has acquired.
func runOn(ctx context.Context, pool *pgxpool.Pool, conn connection, s Settings, work func(Tx) error) error {
	backend, err := s.open(ctx, conn.Conn().PgConn())
	if err != nil {
		return err
	}
	return s.run(ctx, pool, conn.Conn(), backend, nil, work)
}
