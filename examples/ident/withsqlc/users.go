// Package withsqlc sends UUIDs with the code that sqlc generates from queries.sql, in the folder users:
//
//	sqlc generate
//
// The override in sqlc.yaml selects the type of UUIDs.
package withsqlc

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/rekey-pg/rekey/examples/ident/withsqlc/users"
	"github.com/rekey-pg/rekey/ident"
)

// Insert creates the UUID before the row exists. Without the column, the default would create one.
func Insert(ctx context.Context, db users.DBTX, email string) (uuid.UUID, error) {
	u := ident.NewV7As[uuid.UUID]()
	_, err := users.New(db).InsertUser(ctx, users.InsertUserParams{Uuid: u, Email: email})
	return u, err
}

// Find finds a user by either identifier. sqlc's statements are fixed, so there is one for each kind.
func Find(ctx context.Context, db users.DBTX, id ident.ID) (users.User, error) {
	if u, ok := id.UUID(); ok {
		return users.New(db).UserByUUID(ctx, uuid.UUID(u))
	}
	if n, ok := id.Int64(); ok {
		return users.New(db).UserByInteger(ctx, n)
	}
	return users.User{}, pgx.ErrNoRows
}
