package withpgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/rekey-pg/rekey/ident"
)

// The functions in this file work while orders refers to users by both user_id and user_uuid, in rekey's phase linked. Each
// writes one of the two columns; rekey's trigger fills the other one.

// Querier is implemented by *pgx.Conn, *pgxpool.Pool and pgx.Tx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Totals returns the totals of a user's orders, in the order of their keys. Either key finds the same rows.
func Totals(ctx context.Context, db Querier, user ident.ID) ([]int64, error) {
	condition, argument := user.Where("user_id", "user_uuid")
	rows, err := db.Query(ctx, "SELECT total FROM orders WHERE "+condition+" ORDER BY id", argument)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// InsertOrder creates an order of a user whose integer or uuid is known, and returns both.
func InsertOrder(ctx context.Context, db DB, user ident.ID, total int64) (integer, uuid ident.ID, err error) {
	sql := "INSERT INTO orders (" + userColumn(user) + ", total) VALUES ($1, $2) RETURNING user_id, user_uuid"
	err = db.QueryRow(ctx, sql, user, total).Scan(&integer, &uuid)
	return integer, uuid, err
}

// MoveOrder gives an order to another user. It states only the key that it knows: a statement that sets both columns fails
// unless they belong to one user.
func MoveOrder(ctx context.Context, db DB, order int64, user ident.ID) error {
	_, err := db.Exec(ctx, "UPDATE orders SET "+userColumn(user)+" = $1 WHERE id = $2", user, order)
	return err
}

// InsertOrders sends many orders of one user with COPY. The column list is required: without it COPY expects a value for each
// column of the table.
func InsertOrders(ctx context.Context, db DB, user ident.UUID, totals []int64) error {
	rows := pgx.CopyFromSlice(len(totals), func(i int) ([]any, error) { return []any{user, totals[i]}, nil })
	_, err := db.CopyFrom(ctx, pgx.Identifier{"orders"}, []string{"user_uuid", "total"}, rows)
	return err
}

// userColumn returns the column for a key of a user.
func userColumn(user ident.ID) string {
	if _, ok := user.UUID(); ok {
		return "user_uuid"
	}
	return "user_id"
}
