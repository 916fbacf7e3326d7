// Package inspect reads a live database into catalog values. It changes nothing. Its queries stand in
// queries/*.sql, to be pasted into psql.
package inspect

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/*.sql
var queries embed.FS

// text gives a query by its file's name.
func text(name string) string {
	sql, err := queries.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(sql)
}

// rows runs a query and gives a value of T for each row, by column names.
func rows[T any](ctx context.Context, tx pg.Tx, name string, args ...any) ([]T, error) {
	found, err := tx.Known(ctx, text(name), args...)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	values, err := pgx.CollectRows(found, pgx.RowToStructByNameLax[T])
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	return values, nil
}
