package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Dial opens a connection with the pool's configuration that does not belong to the pool, and makes it independent of its
// role's settings, except for synchronous_commit. The caller closes it with [Hangup].
func Dial(ctx context.Context, pool *pgxpool.Pool) (*pgx.Conn, error) {
	conn, err := dial(ctx, pool.Config())
	if err != nil {
		return nil, err
	}
	if _, err = setUp(ctx, conn.PgConn()); err == nil {
		_, err = conn.PgConn().Exec(ctx, "RESET synchronous_commit").ReadAll()
	}
	if err != nil {
		closeConn(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// Hangup closes a connection of [Dial], and waits for the server at most a moment.
func Hangup(ctx context.Context, conn *pgx.Conn) { closeConn(ctx, conn) }
