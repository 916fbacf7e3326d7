// Package inspect reads a live database into values of package catalog. It changes nothing. Its longer queries are in
// queries/*.sql and can be pasted into psql.
package inspect

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/trust"
)

//go:embed queries/*.sql
var queries embed.FS

// queryText returns the query in a file.
func queryText(name string) string {
	if name == "code" {
		return trust.CodeQuery // scripts use it too
	}
	sql, err := queries.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(sql)
}

// rows runs a query and returns a T for each row, whose fields are set by column names.
func rows[T any](ctx context.Context, tx pg.Tx, name string, args ...any) ([]T, error) {
	var values []T
	err := tx.QueryAll(ctx, query(name, func(value T) { values = append(values, value) }, args...))
	return values, err
}

// query returns a query that calls take with an R for each row, whose fields are set by column names.
func query[R any](name string, take func(R), args ...any) pg.Query {
	return pg.Query{SQL: queryText(name), Args: args, Read: func(found pgx.Rows) error {
		values, err := pgx.CollectRows(found, pgx.RowToStructByNameLax[R])
		if err != nil {
			return fmt.Errorf("query %s: %w", name, err)
		}
		for _, value := range values {
			take(value)
		}
		return nil
	}}
}
