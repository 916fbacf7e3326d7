package withsql

import (
	"context"
	"database/sql"

	"github.com/rekey-pg/rekey/ident"
)

// Order is an order that refers to its user by both keys, in rekey's phase linked. Until the phase is reached user_uuid may
// be NULL, so it is read into an sql.Null.
type Order struct {
	ID       int64
	UserID   int64
	UserUUID sql.Null[ident.UUID]
}

// FindOrder reads an order. It names the columns: SELECT * would return another number of them in each phase.
func FindOrder(ctx context.Context, db *sql.DB, id int64) (o Order, err error) {
	err = db.QueryRowContext(ctx, "SELECT id, user_id, user_uuid FROM orders WHERE id = $1", id).Scan(&o.ID, &o.UserID, &o.UserUUID)
	return o, err
}

// CountOrders counts the orders of a user, by either key.
func CountOrders(ctx context.Context, db *sql.DB, user ident.ID) (n int, err error) {
	condition, argument := user.Where("user_id", "user_uuid")
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM orders WHERE "+condition, argument).Scan(&n)
	return n, err
}

// InsertOrder writes the uuid alone. rekey's trigger fills user_id, also where it is NOT NULL, and refuses a uuid that no user
// has with SQLSTATE 23503, as a foreign key does.
func InsertOrder(ctx context.Context, db *sql.DB, user ident.UUID, total int64) (id int64, err error) {
	err = db.QueryRowContext(ctx, "INSERT INTO orders (user_uuid, total) VALUES ($1, $2) RETURNING id", user, total).Scan(&id)
	return id, err
}
