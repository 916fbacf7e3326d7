package pg

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Read calls work in a read-only transaction with one snapshot (REPEATABLE READ). It calls work again on a new
// connection if the connection was lost.
func Read(ctx context.Context, pool *pgxpool.Pool, work func(Tx) error) error {
	return Retry(ctx, func() error { return Run(ctx, pool, readSettings(), work) })
}

// ReadLater is [Read] whose snapshot is taken by the first query of work. Statements that precede it, such as LOCK TABLE and SAVEPOINT,
// take none, so that the snapshot shows everything that was committed before the locks were granted.
func ReadLater(ctx context.Context, pool *pgxpool.Pool, work func(Tx) error) error {
	settings := readSettings()
	settings.SnapshotLater = true
	return Retry(ctx, func() error { return Run(ctx, pool, settings, work) })
}

func readSettings() Settings { return Settings{ReadOnly: true, Snapshot: true} }
