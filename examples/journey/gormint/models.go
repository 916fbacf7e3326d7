// Package gormint is the application of today: GORM models with integer keys, and no word of uuids. It creates the schema
// with AutoMigrate, and runs AutoMigrate at each start.
package gormint

import (
	"strings"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// User is a customer. Deleting one sets DeletedAt.
type User struct {
	gorm.Model
	Email   string `gorm:"uniqueIndex;not null"`
	Name    string
	Orders  []Order
	Reviews []Review
}

// Category is one node of a tree.
type Category struct {
	ID       uint
	Name     string
	ParentID *uint
	Parent   *Category  `gorm:"constraint:OnDelete:SET NULL"`
	Children []Category `gorm:"foreignKey:ParentID"`
}

// Product is what the shop sells.
type Product struct {
	ID         uint
	SKU        string `gorm:"uniqueIndex;not null"`
	Name       string
	Price      int64
	Stock      int64
	CategoryID *uint
	Category   *Category `gorm:"constraint:OnDelete:SET NULL"`
	Tags       []Tag     `gorm:"many2many:product_tags;constraint:OnDelete:CASCADE"`
}

// Tag is a word for products.
type Tag struct {
	ID   uint
	Name string `gorm:"uniqueIndex;not null"`
}

// Order is a purchase of a user.
type Order struct {
	ID        uint
	CreatedAt time.Time
	UpdatedAt time.Time
	UserID    uint `gorm:"not null;index"`
	User      *User
	Status    string
	Items     []Item `gorm:"constraint:OnDelete:CASCADE"`
}

// Item is one line of an order.
type Item struct {
	ID        uint
	OrderID   uint `gorm:"not null;index"`
	ProductID uint `gorm:"not null;index"`
	Product   *Product
	Quantity  int64
}

// Review is a user's opinion of a product; each user has one of each product.
type Review struct {
	ID        uint
	UserID    uint `gorm:"not null;uniqueIndex:idx_reviews_user_product"`
	ProductID uint `gorm:"not null;uniqueIndex:idx_reviews_user_product"`
	Product   *Product
	Stars     int
}

// Open opens the database.
//
// QueryFields lists the columns of the model in place of SELECT *. Without it each connection fails with 0A000, "cached plan
// must not change result type", when a column is added: once for each statement that pgx prepared by itself, and until the
// connection ends with PrepareStmt.
func Open(url string, prepared bool) (*gorm.DB, error) {
	return gorm.Open(postgres.Open(url), &gorm.Config{QueryFields: true, PrepareStmt: prepared})
}

// Migrate creates the tables that are missing, as the application does at each start.
func Migrate(db *gorm.DB) error {
	return db.AutoMigrate(&User{}, &Category{}, &Product{}, &Tag{}, &Order{}, &Item{}, &Review{})
}

// The rows that exist before the sessions start. No session deletes them.
const (
	Users      = 300
	Categories = 15
	Products   = 60
)

const seedSQL = `INSERT INTO users (created_at, updated_at, email, name) SELECT now() - n * interval '1 hour', now(), 'user' || n || '@example.org', 'User ' || n FROM generate_series(1, @users) n;
	INSERT INTO categories (name, parent_id) SELECT 'Category ' || n, nullif(n / 2, 0) FROM generate_series(1, @categories) n;
	INSERT INTO products (sku, name, price, stock, category_id) SELECT 'sku-' || n, 'Product ' || n, 100 * n, 1000, 1 + n % @categories FROM generate_series(1, @products) n;
	INSERT INTO orders (created_at, updated_at, user_id, status) SELECT now() - n * interval '1 minute', now(), 1 + n % @users, 'open' FROM generate_series(1, 3 * @users) n;
	INSERT INTO items (order_id, product_id, quantity) SELECT 1 + n % (3 * @users), 1 + n % @products, 1 FROM generate_series(1, 10 * @users) n;`

// Seed inserts the first rows and returns how many there are of each table.
func Seed(db *gorm.DB) (map[string]int64, error) {
	replaced := map[string]any{"users": Users, "categories": Categories, "products": Products}
	err := db.Transaction(func(tx *gorm.DB) error {
		for _, one := range statements(seedSQL) {
			if err := tx.Exec(one, replaced).Error; err != nil {
				return err
			}
		}
		return nil
	})
	return map[string]int64{"users": Users, "categories": Categories, "products": Products, "orders": 3 * Users, "items": 10 * Users, "tags": 0, "product_tags": 0, "reviews": 0}, err
}

func statements(sql string) (all []string) {
	for one := range strings.SplitSeq(sql, ";") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}
