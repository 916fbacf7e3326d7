package pg

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ExecLast runs the last statement of a transaction and commits it in the same message, which saves a round trip. After that the
// transaction cannot be used. A [*CommitError] reports that it is unknown whether the transaction was committed.
func (t Tx) ExecLast(ctx context.Context, sql string) (pgconn.CommandTag, error) {
	if err := t.start(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	ctx, done := t.StatementContext(ctx)
	defer done()
	results, err := t.conn.PgConn().Exec(ctx, sql+"; COMMIT").ReadAll()
	if err != nil {
		return pgconn.CommandTag{}, uncertain(ctx, t.conn, err)
	}
	*t.committed = true
	return results[0].CommandTag, nil
}

// ReadBinary runs a query with parameters and results in binary format. If it is the last one, it is committed in the same message, as by
// ExecLast.
func (t Tx) ReadBinary(ctx context.Context, sql string, parameters [][]byte, last bool) *pgconn.Result {
	ctx, done := t.StatementContext(ctx)
	defer done()
	conn, binary := t.Conn().PgConn(), []int16{1}
	if !last {
		return conn.ExecParams(ctx, sql, parameters, nil, binary, binary).Read()
	}
	batch := &pgconn.Batch{}
	batch.ExecParams(sql, parameters, nil, binary, binary)
	batch.ExecParams("COMMIT", nil, nil, nil, nil)
	results, err := conn.ExecBatch(ctx, batch).ReadAll()
	if err != nil {
		return &pgconn.Result{Err: uncertain(ctx, t.conn, err)}
	}
	*t.committed = true
	return results[0]
}

// CommitError reports that the connection was lost during COMMIT, so that it is unknown whether the transaction was
// committed. It wraps the error of COMMIT.
type CommitError struct{ Err error }

func (e *CommitError) Error() string {
	return "the result of COMMIT is unknown: " + e.Err.Error()
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
		_ = closeNow(ctx, conn) // the caller returns err
		return uncertain(ctx, conn, err)
	}
	return err
}

// uncertain returns a CommitError for an error of COMMIT that does not come from the server.
func uncertain(ctx context.Context, conn *pgx.Conn, err error) error {
	if _, fromServer := errors.AsType[*pgconn.PgError](err); fromServer {
		return err
	}
	_ = closeNow(ctx, conn) // the caller returns err
	return &CommitError{Err: err}
}

// rollback rolls the transaction back, even if the context has ended. If that fails, it closes the connection.
func rollback(ctx context.Context, conn *pgx.Conn) {
	if conn.IsClosed() {
		return
	}
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), stallTimeout)
	defer cancel()
	if _, err := conn.Exec(clean, "ROLLBACK", pgx.QueryExecModeSimpleProtocol); err != nil {
		_ = closeNow(ctx, conn)
	}
}
