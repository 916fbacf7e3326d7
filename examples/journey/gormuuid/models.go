// Package gormuuid is the next release of the GORM application: the same tables with uuid keys, and no integer key. It runs
// next to the first release from phase linked on, and alone before the integers end.
package gormuuid

import (
	"time"

	"github.com/google/uuid"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/rekey-pg/rekey/ident"
)

// Key is the primary key of each table.
type Key struct {
	UUID uuid.UUID `gorm:"type:uuid;primaryKey;default:gen_random_uuid()"`
}

// BeforeCreate makes the key in the application.
func (k *Key) BeforeCreate(*gorm.DB) error {
	if k.UUID == uuid.Nil {
		k.UUID = ident.NewV7As[uuid.UUID]()
	}
	return nil
}

// User is a customer.
type User struct {
	Key
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt gorm.DeletedAt `gorm:"index"`
	Email     string         `gorm:"uniqueIndex;not null"`
	Name      string
	Orders    []Order  `gorm:"foreignKey:UserUUID"`
	Reviews   []Review `gorm:"foreignKey:UserUUID"`
}

// Category is one node of a tree.
type Category struct {
	Key
	Name       string
	ParentUUID *uuid.UUID `gorm:"type:uuid"`
	Parent     *Category  `gorm:"foreignKey:ParentUUID"`
}

// Product is what the shop sells.
type Product struct {
	Key
	SKU          string `gorm:"uniqueIndex;not null"`
	Name         string
	Price        int64
	Stock        int64
	CategoryUUID *uuid.UUID `gorm:"type:uuid"`
	Category     *Category  `gorm:"foreignKey:CategoryUUID"`
	Tags         []Tag      `gorm:"many2many:product_tags;joinForeignKey:ProductUUID;joinReferences:TagUUID"`
}

// Tag is a word for products.
type Tag struct {
	Key
	Name string `gorm:"uniqueIndex;not null"`
}

// Order is a purchase of a user.
type Order struct {
	Key
	CreatedAt time.Time
	UpdatedAt time.Time
	UserUUID  uuid.UUID `gorm:"type:uuid;not null"`
	User      *User     `gorm:"foreignKey:UserUUID"`
	Status    string
	Items     []Item `gorm:"foreignKey:OrderUUID"`
}

// Item is one line of an order.
type Item struct {
	Key
	OrderUUID   uuid.UUID `gorm:"type:uuid;not null"`
	ProductUUID uuid.UUID `gorm:"type:uuid;not null"`
	Product     *Product  `gorm:"foreignKey:ProductUUID"`
	Quantity    int64
}

// Review is a user's opinion of a product.
type Review struct {
	Key
	UserUUID    uuid.UUID `gorm:"type:uuid;not null"`
	ProductUUID uuid.UUID `gorm:"type:uuid;not null"`
	Product     *Product  `gorm:"foreignKey:ProductUUID"`
	Stars       int
}

// Open opens the database. QueryFields lists columns in place of SELECT *, which would fail with 0A000 when the integers go.
func Open(url string, prepared bool) (*gorm.DB, error) {
	return gorm.Open(postgres.Open(url), &gorm.Config{QueryFields: true, PrepareStmt: prepared, DisableForeignKeyConstraintWhenMigrating: true})
}

// Migrate is what the release runs at its start. Foreign keys and indexes of the uuids are rekey's, so the models name none.
func Migrate(db *gorm.DB) error {
	return db.AutoMigrate(&User{}, &Category{}, &Product{}, &Tag{}, &Order{}, &Item{}, &Review{})
}
