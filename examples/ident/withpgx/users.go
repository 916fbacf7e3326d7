// Package withpgx sends UUIDs with github.com/jackc/pgx/v5.
package withpgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rekey-pg/rekey/ident"
)

// DB is implemented by *pgx.Conn, *pgxpool.Pool and pgx.Tx.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// Insert creates the UUID before the row exists. Without the column, the default would create one.
func Insert(ctx context.Context, db DB, email string) (ident.UUID, error) {
	u := ident.NewV7()
	_, err := db.Exec(ctx, "INSERT INTO users (uuid, email) VALUES ($1, $2)", u, email)
	return u, err
}

// InsertMany sends many rows with COPY. Their UUIDs ascend in the order of the e-mails.
func InsertMany(ctx context.Context, db DB, emails []string) error {
	rows := pgx.CopyFromSlice(len(emails), func(i int) ([]any, error) {
		return []any{ident.NewV7(), emails[i]}, nil
	})
	_, err := db.CopyFrom(ctx, pgx.Identifier{"users"}, []string{"uuid", "email"}, rows)
	return err
}

// Email finds a user by either identifier.
func Email(ctx context.Context, db DB, id ident.ID) (email string, err error) {
	condition, argument := id.Where("id", "uuid")
	err = db.QueryRow(ctx, "SELECT email FROM users WHERE "+condition, argument).Scan(&email)
	return email, err
}

// Both reads the two identifiers of a user. Both an integer and a uuid can be scanned into an ID.
func Both(ctx context.Context, db DB, email string) (integer, uuid ident.ID, err error) {
	err = db.QueryRow(ctx, "SELECT id, uuid FROM users WHERE email = $1", email).Scan(&integer, &uuid)
	return integer, uuid, err
}
