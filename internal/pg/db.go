package pg

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// ErrDriver reports a *sql.DB that was not opened with pgx's stdlib.
var ErrDriver = errors.New("the *sql.DB does not use pgx's stdlib")

// IsStdlib reports whether the DB was opened with pgx's stdlib.
func IsStdlib(db *sql.DB) bool {
	_, ok := db.Driver().(*stdlib.Driver)
	return ok
}

// connection is a connection that was taken from a pool or from a *sql.DB.
type connection interface {
	Conn() *pgx.Conn
	Release()
	// Hijack takes the connection out of its pool for good.
	Hijack() *pgx.Conn
}

// acquire takes a connection from the pool, or from the DB that [WithDB] has put in its place.
func acquire(ctx context.Context, pool *pgxpool.Pool) (connection, error) {
	if source, ok := ctx.Value(dbKey{}).(dbSource); ok && source.pool == pool {
		return acquireFromDB(ctx, source.db)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

type dbKey struct{}

type dbSource struct {
	db   *sql.DB
	pool *pgxpool.Pool
}

const (
	// unlimitedConns is the number of connections that rekey uses of a DB without a limit.
	unlimitedConns = 4
	// sessionConns is the number of connections of a DB's limit that are left for a run's own session.
	sessionConns = 1
)

// WithDB returns a pool that never connects, and a context in which the connections of that pool are the DB's. The
// function end closes the pool. It returns [ErrDriver] if the DB was not opened with pgx's stdlib.
func WithDB(ctx context.Context, db *sql.DB) (with context.Context, pool *pgxpool.Pool, end func(), err error) {
	conn, err := acquireFromDB(ctx, db)
	if err != nil {
		return nil, nil, nil, err
	}
	defer conn.Release()
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, nil, nil, err
	}
	config.ConnConfig, config.MinConns, config.MinIdleConns = conn.Conn().Config(), 0, 0
	config.MaxConns = unlimitedConns
	if limit := db.Stats().MaxOpenConnections; limit > 0 {
		config.MaxConns = int32(max(1, limit-sessionConns))
	}
	if pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, nil, nil, err
	}
	return context.WithValue(ctx, dbKey{}, dbSource{db: db, pool: pool}), pool, pool.Close, nil
}

// DBIsLimited reports whether the context's connections come from a *sql.DB that may not open any number of them.
func DBIsLimited(ctx context.Context) bool {
	source, found := ctx.Value(dbKey{}).(dbSource)
	return found && source.db.Stats().MaxOpenConnections > 0
}

// dbConn is a connection of a *sql.DB.
type dbConn struct {
	owner *sql.Conn
	conn  *pgx.Conn
}

func acquireFromDB(ctx context.Context, db *sql.DB) (*dbConn, error) {
	owner, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &dbConn{owner: owner}
	err = owner.Raw(func(driverConn any) error {
		conn, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return ErrDriver
		}
		c.conn = conn.Conn()
		return nil
	})
	if err != nil {
		_ = owner.Close() // the caller returns err
		return nil, err
	}
	return c, nil
}

// Conn returns the connection. It belongs to the caller until Release.
func (c *dbConn) Conn() *pgx.Conn { return c.conn }

// Release returns the connection to the DB, or makes the DB forget it if it is closed.
func (c *dbConn) Release() {
	if c.conn.IsClosed() || c.conn.PgConn().TxStatus() != 'I' {
		_ = c.owner.Raw(func(any) error { return driver.ErrBadConn }) // so that the DB does not use it again
	}
	_ = c.owner.Close()
}

// Hijack keeps the connection from the DB's other users until it is closed. It counts towards the DB's limit.
func (c *dbConn) Hijack() *pgx.Conn {
	go func() {
		<-c.conn.PgConn().CleanupDone()
		c.Release()
	}()
	return c.conn
}
