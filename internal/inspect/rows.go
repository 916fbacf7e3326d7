package inspect

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// examples is the number of values that a message names.
const examples = 3

// The versions of uuids that rekey makes: the fifteenth character of a uuid.
const (
	V4 = "4"
	V7 = "7"
)

// IsVersion returns the SQL condition that the uuid in a column has a version and the variant of RFC 9562.
func IsVersion(version, column string) string {
	return sqltext.Format("(substr({}::text, 15, 1) = {} AND substr({}::text, 20, 1) IN ('8', '9', 'a', 'b'))",
		sqltext.Name(column), sqltext.Value(version), sqltext.Name(column))
}

// CountExisting counts the values of an existing uuid column. It scans the table, and once more unless a unique index
// excludes duplicates. The key, which may be nil, identifies the rows of a duplicate value.
func CountExisting(ctx context.Context, tx pg.Tx, table sqltext.Table, key []string, column string, unique bool) (catalog.Data, error) {
	var data catalog.Data
	err := tx.QueryRow(ctx, sqltext.Format("SELECT count(*) FILTER (WHERE {} IS NULL) > 0, count({}) FILTER (WHERE NOT ",
		sqltext.Name(column), sqltext.Name(column))+IsVersion(V7, column)+sqltext.Format(") FROM {}", table)).
		Scan(&data.Nulls, &data.Other)
	if err != nil || unique {
		return data, err
	}
	data.Duplicates, err = readStrings(ctx, tx, sqltext.Format(
		"SELECT {}::text FROM {} WHERE {} IS NOT NULL GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT {}",
		sqltext.Name(column), table, sqltext.Name(column), examples))
	for i := range data.Duplicates {
		if err == nil && len(key) > 0 {
			data.Duplicates[i], err = withKeys(ctx, tx, table, key, column, data.Duplicates[i])
		}
	}
	return data, err
}

// withKeys returns a value with the keys of some of its rows.
func withKeys(ctx context.Context, tx pg.Tx, table sqltext.Table, key []string, column, value string) (string, error) {
	parts := make([]string, len(key))
	for i, name := range key {
		parts[i] = sqltext.Format("{} || ' ' || coalesce({}::text, 'NULL')", sqltext.Value(name), sqltext.Name(name))
	}
	keys, err := readStrings(ctx, tx, "SELECT "+strings.Join(parts, " || ' ' || ")+
		sqltext.Format(" FROM {} WHERE {} = {}::uuid LIMIT {}", table, sqltext.Name(column), sqltext.Value(value), examples+1))
	if len(keys) > examples {
		keys[examples] = "…"
	}
	return value + " (" + strings.Join(keys, ", ") + ")", err
}

// SharedAcross returns examples of values that are in more than one table of a tree, with the tables. It scans all of them.
func SharedAcross(ctx context.Context, tx pg.Tx, root sqltext.Table, column string) ([]string, error) {
	name := sqltext.Name(column)
	return readStrings(ctx, tx, sqltext.Format("SELECT {}::text || ' (' || string_agg(DISTINCT tableoid::regclass::text, ', ') || ')' FROM {} WHERE {} IS NOT NULL"+
		" GROUP BY {} HAVING count(DISTINCT tableoid) > 1 ORDER BY {} LIMIT {}", name, root, name, name, name, examples))
}

// Counts are the numbers by which a uuid column is verified.
type Counts struct {
	Rows, Nulls int64
	Duplicates  int64 // number of values in more than one row
	Other       int64 // number of values of another version
}

// Count counts a uuid column in two scans. It does not rely on indexes and constraints.
func Count(ctx context.Context, tx pg.Tx, table sqltext.Table, column, version string) (Counts, error) {
	var c Counts
	name := sqltext.Name(column)
	err := tx.QueryRow(ctx, sqltext.Format("SELECT count(*), count(*) FILTER (WHERE {} IS NULL), count({}) FILTER (WHERE NOT ", name, name)+
		IsVersion(version, column)+sqltext.Format(") FROM {}", table)).Scan(&c.Rows, &c.Nulls, &c.Other)
	if err != nil {
		return c, err
	}
	err = tx.QueryRow(ctx, sqltext.Format(
		"SELECT count(*) FROM (SELECT {} FROM {} WHERE {} IS NOT NULL GROUP BY {} HAVING count(*) > 1) duplicates",
		name, table, name, name)).Scan(&c.Duplicates)
	return c, err
}

// NotUUIDs returns examples of values of a text column that are not uuids.
func NotUUIDs(ctx context.Context, tx pg.Tx, table sqltext.Table, column string) ([]string, error) {
	const uuid = `^\{?([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\}?$`
	return readStrings(ctx, tx, sqltext.Format("SELECT left({}::text, 60) FROM {} WHERE {}::text !~ {} ORDER BY 1 LIMIT {}",
		sqltext.Name(column), table, sqltext.Name(column), sqltext.Value(uuid), examples))
}

// Prove calls a function, whose owner the role must trust, in a read-only transaction and returns whether it makes UUIDv7.
// The search_path is the role's own without the schemas in which other roles could create objects that the function calls.
func Prove(ctx context.Context, pool *pgxpool.Pool, function sqltext.Table, trusted []string) (catalog.Proof, error) {
	const timeout = 5 * time.Second
	var version, variant, distinct, now bool
	var path string
	err := pg.Run(ctx, pool, pg.Settings{ReadOnly: true, Statement: timeout}, func(tx pg.Tx) error {
		if _, err := tx.Exec(ctx, queryText("role_path")); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, queryText("safe_path"), append([]string{}, trusted...)).Scan(&path); err != nil {
			return err
		}
		return tx.QueryRow(ctx, sqltext.Format(queryText("prove"), function)).Scan(&version, &variant, &distinct, &now)
	})
	var refusal *pgconn.PgError
	switch {
	case errors.As(err, &refusal):
		return catalog.Proof{Reason: "calling it under search_path " + path + " failed: " + refusal.Message}, nil
	case err != nil:
		return catalog.Proof{}, err
	case !version || !variant:
		return catalog.Proof{Reason: "it does not make UUIDv7"}, nil
	case !distinct:
		return catalog.Proof{Reason: "it returned the same value twice"}, nil
	case !now:
		return catalog.Proof{Reason: "its values do not contain the current time"}, nil
	}
	return catalog.Proof{V7: true}, nil
}

func readStrings(ctx context.Context, tx pg.Tx, sql string) ([]string, error) {
	found, err := tx.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}
