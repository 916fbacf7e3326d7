// Package withgorm sends UUIDs by GORM, here as those of github.com/google/uuid.
package withgorm

import (
	"github.com/google/uuid"
	"github.com/rekey-pg/rekey/ident"
	"gorm.io/gorm"
)

// User has both keys. The tag tells GORM of the default, so that it leaves the column out of an INSERT
// when the field is the nil UUID; BeforeCreate sees to it that it never is.
type User struct {
	ID    int64
	UUID  uuid.UUID `gorm:"column:uuid;type:uuid;default:public.uuid_generate_v7()"`
	Email string
}

// BeforeCreate gives a new user its UUID, unless the caller has.
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
