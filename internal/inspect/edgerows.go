package inspect

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// HasRow reports whether a query without columns returns a row. The query is not put into EXISTS: Citus refuses a subquery without
// columns that reads a distributed table.
func HasRow(ctx context.Context, tx pg.Tx, query string) (bool, error) {
	err := tx.QueryRow(ctx, query).Scan()
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// CountWithExamples runs a query that returns one row: a number and examples.
func CountWithExamples(ctx context.Context, tx pg.Tx, query string) (count int64, examples []string, err error) {
	err = tx.QueryRow(ctx, query).Scan(&count, &examples)
	return count, examples, err
}

// UUIDOfKey returns the uuid of the row with a key, an SQL expression, as text; "" if there is no such row.
func UUIDOfKey(ctx context.Context, tx pg.Tx, table sqltext.Table, key, uuid, value string) (text string, err error) {
	err = tx.QueryRow(ctx, sqltext.Format("SELECT coalesce(p.{}::text, '') FROM {} p WHERE p.{} = ", sqltext.Name(uuid), table, sqltext.Name(key))+"("+value+")").Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return text, err
}

// TriggerFunctions returns the functions without arguments that have one of the names, and whether the role may create
// functions in PL/pgSQL.
func TriggerFunctions(ctx context.Context, tx pg.Tx, names []sqltext.Table) (found map[sqltext.Table]catalog.TriggerFunction, create bool, err error) {
	found = map[sqltext.Table]catalog.TriggerFunction{}
	var schemas, functions []string
	for _, n := range names {
		schemas, functions = append(schemas, n.Schema), append(functions, n.Name)
	}
	err = readEach(ctx, tx, "edge_functions", func(f catalog.TriggerFunction) {
		found[sqltext.Table{Schema: f.Schema, Name: f.Name}] = f
	}, schemas, functions)
	if err != nil {
		return nil, false, err
	}
	err = tx.QueryRow(ctx, queryText("may_write_triggers")).Scan(&create)
	return found, create, err
}

// sampleRows is the number of rows whose values Overlap reads.
const sampleRows = 10_000

// Overlap reads the distinct values of a sample of a column, and returns how many there are and how many of them are keys of another
// table. It reads the first rows of the table, which costs no scan of it.
func Overlap(ctx context.Context, tx pg.Tx, child sqltext.Table, column string, parent sqltext.Table, key string) (distinct, found int64, err error) {
	err = tx.QueryRow(ctx, sqltext.Format("WITH sample AS (SELECT DISTINCT s.v FROM (SELECT c.{} AS v FROM {} c WHERE c.{} IS NOT NULL LIMIT {}) s)"+
		" SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM {} p WHERE p.{} = sample.v)) FROM sample",
		sqltext.Name(column), child, sqltext.Name(column), int64(sampleRows), parent, sqltext.Name(key))).Scan(&distinct, &found)
	return distinct, found, err
}
