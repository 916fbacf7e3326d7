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
	tx    pgx.Tx
	keeps bool // the session is a lane: it keeps the plans of known queries
}

// Exec runs a statement.
func (t Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.tx.Exec(ctx, sql, unprepared(args)...)
}

// Query runs a query.
func (t Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.tx.Query(ctx, sql, unprepared(args)...)
}

// Known runs a query whose text is always the same: a lane plans it once, any other connection each time.
func (t Tx) Known(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.keeps {
		if _, err := t.Conn().Prepare(ctx, sql, sql); err != nil {
			return nil, err
		}
	}
	return t.Query(ctx, sql, args...)
}

// Query is one of several that are asked together: a text that is always the same, its arguments, and who reads
// the rows.
type Query struct {
	SQL  string
	Args []any
	Read func(pgx.Rows) error
}

// Ask runs queries, none of which depends on another's answer. A lane sends them in one message: the catalogue is read
// so often that the round trips would take longer than the queries.
func (t Tx) Ask(ctx context.Context, queries ...Query) error {
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
	batch := &pgx.Batch{}
	for _, q := range queries {
		if _, err := t.Conn().Prepare(ctx, q.SQL, q.SQL); err != nil {
			return err
		}
		batch.Queue(q.SQL, q.Args...).Query(q.Read)
	}
	return t.tx.SendBatch(ctx, batch).Close()
}

// QueryRow runs a query of one row.
func (t Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return t.tx.QueryRow(ctx, sql, unprepared(args)...)
}

// Conn is the connection under the transaction.
func (t Tx) Conn() *pgx.Conn { return t.tx.Conn() }

func unprepared(args []any) []any {
	return append([]any{pgx.QueryExecModeExec}, args...)
}

// Settings are what a transaction states of itself, whatever defaults its role or database carries.
type Settings struct {
	ReadOnly   bool
	Snapshot   bool          // REPEATABLE READ, else READ COMMITTED
	Lock       time.Duration // lock_timeout; 0 is none
	Statement  time.Duration // statement_timeout; 0 is none
	Idle       time.Duration // idle_in_transaction_session_timeout; 0 is idleTimeout
	Durability string        // synchronous_commit: "on", "local", "off"; "" is local
	Replica    bool          // session_replication_role = replica: no ordinary trigger fires
	ByIndex    bool          // the planner reads tables by their indexes, whatever the statistics say
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
	durability := s.Durability
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
	conn, tx, err := begin(ctx, pool, s)
	if err != nil {
		return err
	}
	defer conn.Release()
	return pgx.BeginFunc(ctx, begun{tx}, func(tx pgx.Tx) error { return work(Tx{tx: tx}) })
}

// begun is a transaction that has begun, for pgx to end.
type begun struct{ tx pgx.Tx }

func (b begun) Begin(context.Context) (pgx.Tx, error) { return b.tx, nil }

// begin opens a transaction. A session that has been ended while nobody used it, by idle_session_timeout or
// an administrator, is found out only now, and is no loss: another one takes its place.
func begin(ctx context.Context, pool *pgxpool.Pool, s Settings) (*pgxpool.Conn, pgx.Tx, error) {
	for tries := int32(0); ; tries++ {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: s.begin(conn.Conn().PgConn())})
		if err == nil {
			return conn, tx, nil
		}
		conn.Release()
		if tries == pool.Config().MaxConns+moments || ctx.Err() != nil || !ended(err) {
			return nil, nil, err
		}
	}
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
func on(ctx context.Context, conn *pgxpool.Conn, s Settings, work func(Tx) error) error {
	begin := pgx.TxOptions{BeginQuery: s.begin(conn.Conn().PgConn())}
	return pgx.BeginTxFunc(ctx, conn, begin, func(tx pgx.Tx) error { return work(Tx{tx: tx}) })
}

// Read runs a function in one read-only transaction with one snapshot.
func Read(ctx context.Context, pool *pgxpool.Pool, work func(Tx) error) error {
	return Run(ctx, pool, reading(), work)
}

func reading() Settings { return Settings{ReadOnly: true, Snapshot: true} }
