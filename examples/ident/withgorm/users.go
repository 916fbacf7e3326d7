// Package withgorm sends UUIDs with GORM, here of the type of github.com/google/uuid.
package withgorm

import (
	"github.com/google/uuid"
	"github.com/rekey-pg/rekey/ident"
	"gorm.io/gorm"
)

// User has both keys. Because of the tag, GORM omits the column from an INSERT if the field is the nil UUID;
// BeforeCreate replaces the nil UUID.
type User struct {
	ID    int64
	UUID  uuid.UUID `gorm:"column:uuid;type:uuid;default:public.uuid_generate_v7()"`
	Email string
}

// BeforeCreate gives a new user a UUID, unless the caller has set one.
func (u *User) BeforeCreate(*gorm.DB) error {
	if u.UUID == uuid.Nil {
		u.UUID = ident.NewV7As[uuid.UUID]()
	}
	return nil
}

// Find finds a user by either identifier.
func Find(db *gorm.DB, id ident.ID) (user User, err error) {
	err = db.Where(id.WhereAt(ident.Question, "id", "uuid")).Take(&user).Error
	return user, err
}
