package withgorm

import (
	"github.com/google/uuid"
	"github.com/rekey-pg/rekey/ident"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Order refers to its user by both keys, in rekey's phase linked. The fields are pointers: GORM writes every field of a
// struct, and a zero integer next to a uuid would be two keys that disagree. A nil field is NULL, and rekey's trigger fills
// the column from the other one.
type Order struct {
	ID       int64
	UserID   *int64     `gorm:"column:user_id"`
	UserUUID *uuid.UUID `gorm:"column:user_uuid;type:uuid"`
	Total    int64
}

// CreateOrder creates an order of a user whose integer or uuid is known. RETURNING reads the key that the trigger has filled.
func CreateOrder(db *gorm.DB, user ident.ID, total int64) (order Order, err error) {
	order.Total = total
	if u, ok := user.UUID(); ok {
		known := uuid.UUID(u)
		order.UserUUID = &known
	} else if n, ok := user.Int64(); ok {
		order.UserID = &n
	}
	err = db.Clauses(clause.Returning{}).Create(&order).Error
	return order, err
}

// FindOrders finds the orders of a user by either key.
func FindOrders(db *gorm.DB, user ident.ID) (orders []Order, err error) {
	err = db.Where(user.WhereAt(ident.Question, "user_id", "user_uuid")).Order("id").Find(&orders).Error
	return orders, err
}

// MoveOrder gives an order to another user. It updates one column: Save on an order that was read before writes both, and
// the one that has changed wins.
func MoveOrder(db *gorm.DB, order int64, user uuid.UUID) error {
	return db.Model(&Order{ID: order}).Update("user_uuid", user).Error
}
