package withsqlc

import (
	"context"

	"github.com/google/uuid"
	"github.com/rekey-pg/rekey/examples/ident/withsqlc/users"
	"github.com/rekey-pg/rekey/ident"
)

// InsertOrder writes the uuid alone, in rekey's phase linked: rekey's trigger fills user_id, which is NOT NULL.
func InsertOrder(ctx context.Context, db users.DBTX, user uuid.UUID, total int64) (int64, error) {
	return users.New(db).InsertOrder(ctx, users.InsertOrderParams{UserUuid: user, Total: total})
}

// Total adds up the orders of a user, by either key. sqlc's statements are fixed, so there is one for each kind.
func Total(ctx context.Context, db users.DBTX, user ident.ID) (sum int64, err error) {
	if u, ok := user.UUID(); ok {
		rows, err := users.New(db).OrdersByUserUUID(ctx, uuid.UUID(u))
		for _, row := range rows {
			sum += row.Total
		}
		return sum, err
	}
	n, _ := user.Int64() // the zero ID is a user that does not exist
	rows, err := users.New(db).OrdersByUserInteger(ctx, n)
	for _, row := range rows {
		sum += row.Total
	}
	return sum, err
}
