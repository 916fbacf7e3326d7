// Package withsql sends UUIDs with database/sql and any driver of PostgreSQL.
package withsql

import (
	"context"
	"database/sql"

	"github.com/rekey-pg/rekey/ident"
)

// Insert creates the UUID before the row exists. Without the column, the default would create one.
func Insert(ctx context.Context, db *sql.DB, email string) (ident.UUID, error) {
	u := ident.NewV7()
	_, err := db.ExecContext(ctx, "INSERT INTO users (uuid, email) VALUES ($1, $2)", u, email)
	return u, err
}

// Email finds a user by either identifier.
func Email(ctx context.Context, db *sql.DB, id ident.ID) (email string, err error) {
	condition, argument := id.Where("id", "uuid")
	err = db.QueryRowContext(ctx, "SELECT email FROM users WHERE "+condition, argument).Scan(&email)
	return email, err
}

// UUID reads a user's UUID. The column may contain NULL while rekey runs, so it reads into an sql.Null.
func UUID(ctx context.Context, db *sql.DB, email string) (u sql.Null[ident.UUID], err error) {
	err = db.QueryRowContext(ctx, "SELECT uuid FROM users WHERE email = $1", email).Scan(&u)
	return u, err
}
