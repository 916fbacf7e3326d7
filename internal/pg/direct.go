package pg

import (
	"context"
	"errors"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Direct runs one statement that cannot run in a transaction, on a connection of its own that is
// closed afterwards: what it sets for the session reaches nobody else.
func ExecOutsideTx(ctx context.Context, pool *pgxpool.Pool, sql string, started func(pid uint32)) error {
	l := NewSession(pool)
	defer l.Close(ctx)
	return l.Exec(ctx, sql, started)
}

// attend makes the server look, from 14 on, whether the client is still there: a build that nobody attends
// gives way to no one, and might make a deadlock that ends the application's session. It looks before any
// usual deadlock_timeout (1 s). A server on Windows cannot.
func attend(ctx context.Context, conn *pgconn.PgConn) error {
	const firstCheck = 14
	if major(conn) < firstCheck {
		return nil
	}
	err := finish(conn.Exec(ctx, "SET client_connection_check_interval = '400ms'"))
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == pgerrcode.InvalidParameterValue {
		return nil
	}
	return err
}

func finish(results *pgconn.MultiResultReader) error {
	_, err := results.ReadAll()
	return err
}
