package pg

import (
	"context"
	"errors"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ExecOutsideTx runs one statement that cannot run in a transaction, on a session that is closed afterwards. Before
// it calls started, which may be nil, with the process id of the session. The statement has no timeout.
func ExecOutsideTx(ctx context.Context, pool *pgxpool.Pool, sql string, started func(pid uint32)) error {
	l := NewSession(pool)
	defer l.Close(ctx)
	return l.Exec(ctx, sql, started)
}

// checkClientConnection makes a server from version 14 on check every 400 ms whether the client is still connected.
// The interval is shorter than the usual deadlock_timeout (1 s): a build without a client does not yield, and could
// cause a deadlock that ends a session of the application. A server on Windows does not support the setting.
func checkClientConnection(ctx context.Context, conn *pgconn.PgConn) error {
	const firstCheck = 14
	if major(conn) < firstCheck {
		return nil
	}
	err := readAll(conn.Exec(ctx, "SET client_connection_check_interval = '400ms'"))
	if serverErr, ok := errors.AsType[*pgconn.PgError](err); ok && serverErr.Code == pgerrcode.InvalidParameterValue {
		return nil
	}
	return err
}

// readAll reads all results and returns the first error.
func readAll(results *pgconn.MultiResultReader) error {
	_, err := results.ReadAll()
	return err
}
