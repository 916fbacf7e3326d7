// Package pg is how rekey talks to the server: transactions that state everything about themselves,
// locks within a budget, and connections of its own for what cannot run in a transaction.
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

// Tx is a transaction whose statements are sent unprepared (pgx's QueryExecModeExec): no statement is
// left on a pooler's connection, and none complains that a cached plan must not change its result type
// while tables are altered.
type Tx struct {
	conn  *pgx.Conn
	keeps bool          // the session is a lane: it keeps the plans of known queries
	most  time.Duration // the server's statement_timeout and a little more; 0 is none
	vigil *vigil
	ends  *ends // of a lane's transaction; nil where BEGIN and COMMIT are messages of their own
	last  bool
}

// ends are the first and the last statement of a lane's transaction, which are sent with its first and its last
// queries: a round trip takes as long as a query of the catalogue.
type ends struct {
	begin          string
	begun, settled bool
}

// Last returns a transaction that [Tx.Finish] commits in the message of its queries. Nothing can be asked of it afterwards.
func (t Tx) CommitWithLast() Tx {
	t.last = t.ends != nil
	return t
}

// start sends the BEGIN that no query has taken along.
func (t Tx) start(ctx context.Context) error {
	if t.ends == nil || t.ends.begun {
		return nil
	}
	t.ends.begun = true
	return within(ctx, boundsOf(ctx).Silent, func(ctx context.Context) error { return finish(t.conn.PgConn().Exec(ctx, t.ends.begin)) })
}

// Within returns a context that ends a little later than the server's statement_timeout, if there is one: a
// statement that the server does not end is ended by the client. Statements that are sent on Conn need it.
func (t Tx) StatementContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.most <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, t.most)
}

// Heard says that a row has arrived, for callers that read rows from Conn.
func (t Tx) RowArrived() { t.vigil.hear() }

// Exec runs a statement.
func (t Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := t.start(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	ctx, done := t.StatementContext(ctx)
	defer done()
	return t.conn.Exec(ctx, sql, unprepared(args)...)
}

// Query runs a query.
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

// Known runs a query whose text is always the same: a lane plans it once, any other connection each time.
func (t Tx) QueryPrepared(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.keeps {
		ctx, done := t.StatementContext(ctx)
		defer done()
		if _, err := t.conn.Prepare(ctx, sql, sql); err != nil {
			return nil, err
		}
	}
	return t.Query(ctx, sql, args...) //nolint:sqlclosecheck // the caller closes them
}

// Query is one of several that are asked together: a text that is always the same, its arguments, and who reads
// the rows.
type Query struct {
	SQL  string
	Args []any
	Read func(pgx.Rows) error
}

// Ask runs independent queries. A lane sends them in one message: the catalogue is read
// so often that the round trips would take longer than the queries.
func (t Tx) QueryAll(ctx context.Context, queries ...Query) error {
	if !t.keeps {
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

// Finish is Ask for the last queries of a transaction.
func (t Tx) QueryAllLast(ctx context.Context, queries ...Query) error {
	if !t.last {
		return t.QueryAll(ctx, queries...)
	}
	if err := t.send(ctx, append(queries, Query{SQL: "COMMIT"})); err != nil {
		return err
	}
	t.ends.settled = true
	return nil
}

// send sends queries in one message, with the BEGIN where that was not sent.
func (t Tx) send(ctx context.Context, queries []Query) error {
	ctx, done := t.StatementContext(ctx)
	defer done()
	if t.ends != nil && !t.ends.begun {
		queries = append([]Query{{SQL: t.ends.begin}}, queries...)
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
	if t.ends != nil {
		t.ends.begun = true
	}
	return t.conn.SendBatch(ctx, batch).Close()
}

// QueryRow runs a query of one row.
func (t Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.start(ctx); err != nil {
		return failed{err}
	}
	ctx, done := t.StatementContext(ctx)
	return row{Row: t.conn.QueryRow(ctx, sql, unprepared(args)...), done: done}
}

// Conn is the connection under the transaction; a lane's does not lend it.
func (t Tx) Conn() *pgx.Conn {
	if t.ends != nil {
		panic("pg: a statement on the connection of a lane would not be in its transaction")
	}
	return t.conn
}

// failed is the row of a query that was not sent.
type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// rows end their context when they are closed, and record what arrives.
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

// row ends its context when it is read.
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

// Settings are what a transaction states of itself, whatever defaults its role or database carries.
type Settings struct {
	ReadOnly          bool
	Snapshot          bool          // REPEATABLE READ, else READ COMMITTED
	Lock              time.Duration // lock_timeout; 0 is none
	Statement         time.Duration // statement_timeout; 0 is none
	Idle              time.Duration // idle_in_transaction_session_timeout; 0 is idleTimeout
	SynchronousCommit string        // synchronous_commit: "on", "local", "off"; "" is local
	Replica           bool          // session_replication_role = replica: no ordinary trigger fires
	ByIndex           bool          // the planner reads tables by their indexes, whatever the statistics say
}

// idleTimeout ends a transaction whose client has stopped or vanished in its middle: what it locked and
// its snapshot, which CREATE INDEX CONCURRENTLY waits for, would else be held until TCP gives the client
// up, and that takes hours. It is below the 12 s after which a lease falls.
const idleTimeout = 10 * time.Second

// begin is one round trip: every setting is local to the transaction, so that a pooler's next client
// finds nothing of it. It holds no name of the user's: the server reads the whole of it in the encoding that the
// session had before.
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
		fmt.Sprintf("SET LOCAL statement_timeout = %d", s.Statement.Milliseconds()), // first: the role's runs until then
		fmt.Sprintf("SET LOCAL lock_timeout = %d", s.Lock.Milliseconds()),
		fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", idle.Milliseconds()),
	}
	statements = append(statements, pinned(conn, "SET LOCAL")...)
	if major(conn) >= firstTransactionTimeout {
		statements = append(statements, "SET LOCAL transaction_timeout = 0")
	}
	durability := s.SynchronousCommit
	if durability == "" {
		durability = "local" // a synchronous standby that does not answer would hold a commit up, and its locks, for ever
	}
	statements = append(statements, "SET LOCAL synchronous_commit = "+durability)
	if s.Replica {
		statements = append(statements, "SET LOCAL session_replication_role = replica")
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

// firstTransactionTimeout is the major version that brought transaction_timeout.
const firstTransactionTimeout = 17

// major reads the server's version from what it said when the connection began.
func major(conn *pgconn.PgConn) int {
	version := conn.ParameterStatus("server_version") // "15.18 (Debian …)", "19beta1"
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	number, err := strconv.Atoi(version[:end])
	if err != nil {
		return 0 // then no setting of a newer version is named
	}
	return number
}

// converts reports whether the server converts what is sent and read between the database's encoding and UTF-8,
// in which Go has it. SQL_ASCII is no encoding: what is there is read and written as it is.
func converts(conn *pgconn.PgConn) bool {
	return conn.ParameterStatus("server_encoding") != "SQL_ASCII"
}

// Run runs a function in one transaction and commits it. An error, or a context that ends, rolls back.
func Run(ctx context.Context, pool *pgxpool.Pool, s Settings, work func(Tx) error) error {
	conn, of, err := begin(ctx, pool, s)
	if err != nil {
		return err
	}
	defer conn.Release()
	return s.run(ctx, pool, conn.Conn(), of, nil, work)
}

// run does the work of a transaction, and ends it. It has begun, except on a lane, where BEGIN goes with the first queries.
func (s Settings) run(ctx context.Context, pool *pgxpool.Pool, conn *pgx.Conn, of backend, lane *ends, work func(Tx) error) error {
	tx := Tx{conn: conn, keeps: lane != nil, ends: lane, vigil: keep(ctx, pool, conn.PgConn(), of)}
	if s.Statement > 0 {
		tx.most = s.Statement + boundsOf(ctx).Late
	}
	worked := false
	defer func() {
		if !worked { // it panicked
			_ = tx.vigil.end(nil)
			rollback(ctx, conn)
		}
	}()
	err := work(tx)
	worked = true
	if err != nil {
		rollback(ctx, conn)
		return tx.vigil.end(err)
	}
	if lane == nil || lane.begun && !lane.settled {
		err = commit(ctx, conn)
	}
	return tx.vigil.end(err)
}

// CommitError says that a connection was lost during COMMIT: the transaction may be committed or not.
type CommitError struct{ Err error }

func (e *CommitError) Error() string {
	return "the end of the transaction is not known: " + e.Err.Error()
}

// Unwrap returns the error of COMMIT.
func (e *CommitError) Unwrap() error { return e.Err }

func commit(ctx context.Context, conn *pgx.Conn) error {
	tag, err := conn.Exec(ctx, "COMMIT", pgx.QueryExecModeSimpleProtocol)
	switch {
	case err == nil && tag.String() == "ROLLBACK":
		return pgx.ErrTxCommitRollback
	case err == nil:
		return nil
	case conn.PgConn().TxStatus() != 'I' || conn.IsClosed():
		_ = shutNow(ctx, conn) // already have error to return
		if _, said := errors.AsType[*pgconn.PgError](err); !said {
			return &CommitError{Err: err}
		}
	}
	return err
}

// rollback leaves the connection clean, also after the context has ended, or closes it.
func rollback(ctx context.Context, conn *pgx.Conn) {
	if conn.IsClosed() {
		return
	}
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), hung)
	defer cancel()
	if _, err := conn.Exec(clean, "ROLLBACK", pgx.QueryExecModeSimpleProtocol); err != nil {
		_ = shutNow(ctx, conn)
	}
}

// begin opens a transaction. A session that has been ended while nobody used it, by idle_session_timeout or
// an administrator, is found out only now, and is no loss: another one takes its place. So does one for a
// connection on which nothing arrives, as long as the server answers a new one.
func begin(ctx context.Context, pool *pgxpool.Pool, s Settings) (*pgxpool.Conn, backend, error) {
	var conn *pgxpool.Conn
	var of backend
	err := eventually(ctx, pool, func(ctx context.Context) error {
		var err error
		if conn, err = pool.Acquire(ctx); err != nil {
			return err
		}
		if of, err = s.open(ctx, conn.Conn().PgConn()); err != nil {
			if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
				rollback(ctx, conn.Conn())
			}
			conn.Release()
		}
		return err
	})
	return conn, of, err
}

// open begins the transaction, and learns who is at the other end.
func (s Settings) open(ctx context.Context, conn *pgconn.PgConn) (backend, error) {
	results, err := conn.Exec(ctx, s.begin(conn)+"; "+backendSQL).ReadAll()
	if err != nil {
		return backend{}, err
	}
	return backendOf(results[len(results)-1]), nil
}

// eventually opens something on a connection, and again on another one where that one had been ended or was silent.
// What is opened is an instant's work, so that each try is bounded; a try that runs out of time is repeated as
// long as the server answers new connections: then the pool is busy, or has silent connections left.
func eventually(ctx context.Context, pool *pgxpool.Pool, open func(context.Context) error) error {
	bounds, heard := boundsOf(ctx), time.Now()
	for tries := int32(0); ; {
		err := within(ctx, bounds.Probe, open)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || !ended(err):
			return err
		case errors.Is(err, context.DeadlineExceeded):
			if answers(ctx, pool) {
				heard = time.Now()
			} else if time.Since(heard) >= bounds.Silent {
				return &SilentError{For: bounds.Silent, Unreachable: true, Err: err}
			}
		default:
			if tries++; tries > pool.Config().MaxConns+moments {
				return err
			}
		}
	}
}

// Bare runs one short statement outside of any transaction, for servers that may not know all its settings. It is
// tried again on another connection where one was lost or silent.
func WithConn(ctx context.Context, pool *pgxpool.Pool, ask func(context.Context, *pgx.Conn) error) error {
	return eventually(ctx, pool, func(ctx context.Context) error {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return ask(ctx, conn.Conn())
	})
}

func within(ctx context.Context, most time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return do(ctx)
}

// moments is how often the role's own timeouts, of an instant, may strike one after the other before they are set
// aside, as they do on a machine that is too busy to let a session go on.
const moments = 10

// ended reports whether an error is that of a session which was gone already, or that the role's own
// statement_timeout, of a moment, has struck before it was set aside.
func ended(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	return !ok || refusal.SeverityUnlocalized != "ERROR" || refusal.Code == pgerrcode.QueryCanceled
}

// on is Run on a connection that is had already.
func on(ctx context.Context, pool *pgxpool.Pool, conn *pgxpool.Conn, s Settings, work func(Tx) error) error {
	of, err := s.open(ctx, conn.Conn().PgConn())
	if err != nil {
		return err
	}
	return s.run(ctx, pool, conn.Conn(), of, nil, work)
}

// Read runs a function in one read-only transaction with one snapshot, and again when the connection was lost.
func Read(ctx context.Context, pool *pgxpool.Pool, work func(Tx) error) error {
	return Retry(ctx, func() error { return Run(ctx, pool, reading(), work) })
}

func reading() Settings { return Settings{ReadOnly: true, Snapshot: true} }
