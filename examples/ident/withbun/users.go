// Package withbun sends UUIDs with bun, here of the type of github.com/gofrs/uuid.
package withbun

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/rekey-pg/rekey/ident"
	"github.com/uptrace/bun"
)

// User has both keys. With nullzero bun writes DEFAULT for the nil UUID; BeforeAppendModel replaces the nil UUID.
type User struct {
	bun.BaseModel `bun:"table:users"`

	ID    int64     `bun:"id,pk,autoincrement"`
	UUID  uuid.UUID `bun:"uuid,type:uuid,nullzero"`
	Email string    `bun:"email"`
}

var _ bun.BeforeAppendModelHook = (*User)(nil)

// BeforeAppendModel gives a new user a UUID, unless the caller has set one.
func (u *User) BeforeAppendModel(_ context.Context, query bun.Query) error {
	if _, ok := query.(*bun.InsertQuery); ok && u.UUID.IsNil() {
		u.UUID = ident.NewV7As[uuid.UUID]()
	}
	return nil
}

// Find finds a user by either identifier.
func Find(ctx context.Context, db bun.IDB, id ident.ID) (user User, err error) {
	err = find(db, &user, id).Scan(ctx)
	return user, err
}

func find(db bun.IDB, user *User, id ident.ID) *bun.SelectQuery {
	return db.NewSelect().Model(user).Where(id.WhereAt(ident.Question, "user.id", "user.uuid"))
}
