package steptest

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/*.sql
var queries embed.FS

// Beginner starts transactions: a *pgx.Conn or a *pgxpool.Pool.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// Fingerprint returns a line for each relation, column, index, constraint, comment, trigger and function of a schema except
// uuid_generate_v7(), and a checksum of each table's rows without the column. To an application, schemas with equal
// fingerprints are the same.
func Fingerprint(ctx context.Context, db Beginner, schema, column string) ([]string, error) {
	var lines []string
	err := inSnapshot(ctx, db, func(tx pgx.Tx) (err error) {
		if lines, err = readLines(ctx, tx, "catalogue", schema); err != nil {
			return err
		}
		sums, err := checksums(ctx, tx, schema, column)
		lines = append(lines, sums...)
		return err
	})
	return lines, err
}

// FullFingerprint is Fingerprint with the values of every column, the function uuid_generate_v7(), and the schema rekey. It
// is equal only if nothing was changed.
func FullFingerprint(ctx context.Context, db Beginner, schema string) ([]string, error) {
	lines, err := Fingerprint(ctx, db, schema, "")
	if err != nil {
		return nil, err
	}
	err = inSnapshot(ctx, db, func(tx pgx.Tx) error {
		own, err := readLines(ctx, tx, "own", schema)
		lines = append(lines, own...)
		return err
	})
	return lines, err
}

// Values returns the values of a column by the table's key id, NULL as the empty string.
func Values(ctx context.Context, db Beginner, table sqltext.Table, column string) (map[int64]string, error) {
	values := map[int64]string{}
	err := inSnapshot(ctx, db, func(tx pgx.Tx) error {
		found, err := tx.Query(ctx, sqltext.Format("SELECT id, coalesce({}::text, '') FROM {}", sqltext.Name(column), table))
		if err != nil {
			return err
		}
		var id int64
		var value string
		_, err = pgx.ForEachRow(found, []any{&id, &value}, func() error {
			values[id] = value
			return nil
		})
		return err
	})
	return values, err
}

// inSnapshot reads in one snapshot, with a search_path that qualifies every name. It forces generic plans: planning these
// queries takes longer than running them.
func inSnapshot(ctx context.Context, db Beginner, read func(pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, db, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog; SET LOCAL TimeZone = 'UTC'; SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
			return err
		}
		return read(tx)
	})
}

func readLines(ctx context.Context, tx pgx.Tx, name, schema string) ([]string, error) {
	found, err := tx.Query(ctx, queryText(name), schema)
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("%s.sql: %w", name, err)
	}
	return lines, nil
}

func queryText(name string) string {
	sql, err := queries.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the package
	}
	return string(sql)
}

// table is a table and its columns in a fixed order.
type table struct {
	Name    string
	Columns []string
}

// checksums returns a checksum of each table's rows, with one query for all tables.
func checksums(ctx context.Context, tx pgx.Tx, schema, without string) ([]string, error) {
	found, err := tx.Query(ctx, queryText("tables"), schema, without)
	if err != nil {
		return nil, err
	}
	tables, err := pgx.CollectRows(found, pgx.RowToStructByPos[table])
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	sums := make([]string, len(tables))
	for i, t := range tables {
		sums[i] = t.checksum(schema)
	}
	found, err = tx.Query(ctx, strings.Join(sums, "\nUNION ALL\n"), pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(found, pgx.RowTo[string])
	slices.Sort(lines) // a parallel plan returns them in any order
	return lines, err
}

func (t table) checksum(schema string) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = sqltext.Ident(c)
	}
	return sqltext.Format("SELECT 'rows of ' || {} || ': ' || count(*) || ' ' || coalesce(md5(string_agg(md5(line), '' ORDER BY md5(line))), '')",
		sqltext.Value(t.Name)) +
		" FROM (SELECT ROW(" + strings.Join(columns, ", ") + ")::text AS line" + sqltext.Format(" FROM {}) lines", sqltext.Table{Schema: schema, Name: t.Name})
}
