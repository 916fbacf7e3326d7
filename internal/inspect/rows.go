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

// examples is how many offending values an error names.
const examples = 3

// The versions of uuids that rekey makes, as their fifteenth character.
const (
	V4 = "4"
	V7 = "7"
)

// Is is the condition, in SQL, that the uuid in a column is of a version, with the RFC's variant.
func IsVersion(version, column string) string {
	return sqltext.Format("(substr({}::text, 15, 1) = {} AND substr({}::text, 20, 1) IN ('8', '9', 'a', 'b'))",
		sqltext.Name(column), sqltext.Value(version), sqltext.Name(column))
}

// Data counts what stands in a uuid column. It scans the table. The key tells which rows have a value that
// stands more than once; nil is a table without one.
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

// located adds to a value the keys of some of the rows that it stands in.
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

// Across gives some of the values that stand in more than one table of a tree, with the tables. It scans all of them.
func SharedAcross(ctx context.Context, tx pg.Tx, root sqltext.Table, column string) ([]string, error) {
	name := sqltext.Name(column)
	return readStrings(ctx, tx, sqltext.Format("SELECT {}::text || ' (' || string_agg(DISTINCT tableoid::regclass::text, ', ') || ')' FROM {} WHERE {} IS NOT NULL"+
		" GROUP BY {} HAVING count(DISTINCT tableoid) > 1 ORDER BY {} LIMIT {}", name, root, name, name, name, examples))
}

// Counted is the proof of one uuid column.
type Counts struct {
	Rows, Nulls int64
	Duplicates  int64 // values that stand more than once
	Other       int64 // values that are not of the version
}

// Count counts a uuid column in two scans. It believes no index and no constraint.
func Count(ctx context.Context, tx pg.Tx, table sqltext.Table, column, version string) (Counts, error) {
	var c Counts
	name := sqltext.Name(column)
	err := tx.QueryRow(ctx, sqltext.Format("SELECT count(*), count(*) FILTER (WHERE {} IS NULL), count({}) FILTER (WHERE NOT ", name, name)+
		IsVersion(version, column)+sqltext.Format(") FROM {}", table)).Scan(&c.Rows, &c.Nulls, &c.Other)
	if err != nil {
		return c, err
	}
	err = tx.QueryRow(ctx, sqltext.Format(
		"SELECT count(*) FROM (SELECT FROM {} WHERE {} IS NOT NULL GROUP BY {} HAVING count(*) > 1) twice",
		table, name, name)).Scan(&c.Duplicates)
	return c, err
}

// Unparsed gives some of the values of a text column that are no uuids.
func NotUUIDs(ctx context.Context, tx pg.Tx, table sqltext.Table, column string) ([]string, error) {
	const uuid = `^\{?([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\}?$`
	return readStrings(ctx, tx, sqltext.Format("SELECT left({}::text, 60) FROM {} WHERE {}::text !~ {} ORDER BY 1 LIMIT {}",
		sqltext.Name(column), table, sqltext.Name(column), sqltext.Value(uuid), examples))
}

// Unfilled reports whether a row without a value is there. The scan ends at the first.
func Unfilled(ctx context.Context, tx pg.Tx, table sqltext.Table, column string) (bool, error) {
	var found bool
	err := tx.QueryRow(ctx, sqltext.Format("SELECT EXISTS (SELECT FROM {} WHERE {} IS NULL)",
		table, sqltext.Name(column))).Scan(&found)
	return found, err
}

// Prove calls a function of an owner that the role trusts, in a read-only transaction, and returns whether it
// makes UUIDv7. The search_path is the role's own without the schemas in which others could plant what the
// function calls.
func Prove(ctx context.Context, pool *pgxpool.Pool, function sqltext.Table, trusted []string) (catalog.Proof, error) {
	const patience = 5 * time.Second
	var version, variant, distinct, now bool
	var path string
	err := pg.Run(ctx, pool, pg.Settings{ReadOnly: true, Statement: patience}, func(tx pg.Tx) error {
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
		return catalog.Proof{Reason: "it makes the same value twice"}, nil
	case !now:
		return catalog.Proof{Reason: "the time in its values is not now"}, nil
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
