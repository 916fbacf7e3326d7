// Package withsql sends UUIDs by database/sql, whichever driver of PostgreSQL is behind it.
package withsql

import (
	"context"
	"database/sql"

	"github.com/rekey-pg/rekey/ident"
)

// Insert knows the UUID before the row is there. Without the column the default would make one.
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

// UUID reads a user's UUID; where the column may hold NULL, as it may while rekey runs, it reads into
// an sql.Null.
func UUID(ctx context.Context, db *sql.DB, email string) (u sql.Null[ident.UUID], err error) {
	err = db.QueryRowContext(ctx, "SELECT uuid FROM users WHERE email = $1", email).Scan(&u)
	return u, err
}
