package gormuuid

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rekey-pg/rekey/examples/journey"
)

// Session is one session of the release. It deletes only rows that it has created.
type Session struct {
	db       *gorm.DB
	ledger   *journey.Ledger
	name     string
	random   *rand.Rand
	users    []User    // that always exist, by number
	products []Product // that always exist, by number
	made     int
	orders   []Order // created by this session
}

// NewSession returns a session. The name must be unique.
func NewSession(db *gorm.DB, l *journey.Ledger, name string, random *rand.Rand) (*Session, error) {
	s := &Session{db: db, ledger: l, name: name, random: random}
	return s, errors.Join(db.Where("email LIKE 'user%'").Order(`substring(email FROM '\d+')::int`).Find(&s.users).Error,
		db.Where("sku LIKE 'sku-%'").Order(`substring(sku FROM '\d+')::int`).Find(&s.products).Error)
}

// Operations returns what the session does.
func (s *Session) Operations() []journey.Operation {
	return []journey.Operation{
		{Name: "Create with associations", Run: s.create},
		{Name: "Preload", Run: s.preload},
		{Name: "Joins", Run: s.joins},
		{Name: "Save of an association", Run: s.save},
		{Name: "Update to another parent", Run: s.repoint},
		{Name: "Delete", Run: s.delete},
		{Name: "OnConflict without columns", Run: s.review},
		{Name: "FirstOrCreate and append", Run: s.tag},
		{Name: "Tree", Run: s.tree},
		{Name: "Transaction", Run: s.nested},
	}
}

func (s *Session) on(ctx context.Context) *gorm.DB { return s.db.WithContext(ctx) }

func (s *Session) next() string {
	s.made++
	return fmt.Sprintf("%s-%d", s.name, s.made)
}

func (s *Session) user() uuid.UUID    { return s.users[s.random.IntN(len(s.users))].UUID }
func (s *Session) product() uuid.UUID { return s.products[s.random.IntN(len(s.products))].UUID }

func (s *Session) items(n int) (items []Item) {
	for range n {
		items = append(items, Item{ProductUUID: s.product(), Quantity: 1})
	}
	return items
}

func (s *Session) create(ctx context.Context) (journey.Rows, error) {
	u := User{Email: s.next() + "@example.net", Name: "new", Orders: []Order{{Status: "open", Items: s.items(2)}}}
	if err := s.on(ctx).Create(&u).Error; err != nil {
		return nil, err
	}
	s.orders = append(s.orders, u.Orders...)
	return journey.Rows{"users": 1, "orders": 1, "items": 2}, nil
}

func (s *Session) preload(ctx context.Context) (journey.Rows, error) {
	var users []User
	err := s.on(ctx).Preload("Orders.Items.Product.Category").Preload("Reviews.Product").Where("uuid > ?", s.user()).Order("uuid").Limit(5).Find(&users).Error
	for _, u := range users {
		for _, o := range u.Orders {
			for _, i := range o.Items {
				if i.Product == nil {
					return nil, fmt.Errorf("item %s has no product", i.UUID)
				}
			}
		}
	}
	return nil, err
}

func (s *Session) joins(ctx context.Context) (journey.Rows, error) {
	var orders []Order
	err := s.on(ctx).Joins("User").Where("orders.user_uuid = ?", s.user()).Find(&orders).Error
	for _, o := range orders {
		if o.User == nil || o.User.UUID != o.UserUUID {
			return nil, fmt.Errorf("order %s was joined to %+v, want user %s", o.UUID, o.User, o.UserUUID)
		}
	}
	return nil, err
}

// save writes an order with its items, which GORM sends as INSERT .. ON CONFLICT (uuid) DO UPDATE.
func (s *Session) save(ctx context.Context) (journey.Rows, error) {
	if len(s.orders) == 0 {
		return nil, nil
	}
	var o Order
	if err := s.on(ctx).Preload("Items").First(&o, "uuid = ?", s.orders[s.random.IntN(len(s.orders))].UUID).Error; err != nil {
		return nil, err
	}
	for i := range o.Items {
		o.Items[i].Quantity++
	}
	o.Items = append(o.Items, s.items(1)...)
	return journey.Rows{"items": 1}, s.on(ctx).Session(&gorm.Session{FullSaveAssociations: true}).Save(&o).Error
}

func (s *Session) repoint(ctx context.Context) (journey.Rows, error) {
	var recent []Order
	err := s.on(ctx).Where("user_uuid = ?", s.user()).Order("created_at DESC").Limit(3).Find(&recent).Error
	for _, o := range recent {
		if err == nil {
			err = s.on(ctx).Model(&o).Updates(Order{Status: "seen", UserUUID: s.user()}).Error
		}
	}
	return nil, err
}

func (s *Session) delete(ctx context.Context) (journey.Rows, error) {
	if len(s.orders) == 0 {
		return nil, nil
	}
	at := s.random.IntN(len(s.orders))
	var items int64
	err := s.on(ctx).Transaction(func(tx *gorm.DB) error {
		one := Order{Key: s.orders[at].Key}
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).First(&Order{}, "uuid = ?", one.UUID).Error; err != nil {
			return err
		}
		if err := tx.Model(&Item{}).Where("order_uuid = ?", one.UUID).Count(&items).Error; err != nil {
			return err
		}
		return tx.Delete(&one).Error
	})
	if err != nil {
		return nil, err
	}
	s.orders = append(s.orders[:at], s.orders[at+1:]...)
	return journey.Rows{"orders": -1, "items": -items}, nil
}

// review inserts a review unless it exists. ON CONFLICT names no columns: the unique index of both uuids comes with phase contracted.
func (s *Session) review(ctx context.Context) (journey.Rows, error) {
	user, product := s.random.IntN(len(s.users)), s.random.IntN(len(s.products))
	r := Review{UserUUID: s.users[user].UUID, ProductUUID: s.products[product].UUID, Stars: 5}
	if err := s.on(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&r).Error; err != nil {
		return nil, err
	}
	return journey.Rows{"reviews": s.ledger.Once(fmt.Sprint("review ", 1+user, " ", 1+product))}, nil
}

func (s *Session) tag(ctx context.Context) (journey.Rows, error) {
	var tag Tag
	if err := s.on(ctx).FirstOrCreate(&tag, Tag{Name: s.next()}).Error; err != nil {
		return nil, err
	}
	product := Product{Key: Key{s.product()}}
	tags := s.on(ctx).Model(&product).Association("Tags")
	return journey.Rows{"tags": 1, "product_tags": 1}, errors.Join(tags.Append(&tag), tags.Append(&tag))
}

func (s *Session) tree(ctx context.Context) (journey.Rows, error) {
	c := Category{Name: s.next(), Parent: &Category{Name: "parent"}}
	if err := s.on(ctx).Create(&c).Error; err != nil {
		return nil, err
	}
	return journey.Rows{"categories": 2}, s.on(ctx).Model(&c).Select("ParentUUID").Updates(Category{}).Error
}

// nested commits an order, and rolls an inner transaction back to its savepoint.
func (s *Session) nested(ctx context.Context) (journey.Rows, error) {
	undo := errors.New("undo")
	o := Order{UserUUID: s.user(), Status: "nested", Items: s.items(1)}
	err := s.on(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(&o).Error; err != nil {
			return err
		}
		err := tx.Transaction(func(inner *gorm.DB) error {
			return errors.Join(inner.Create(&Order{UserUUID: s.user(), Status: "undone", Items: s.items(2)}).Error, undo)
		})
		if !errors.Is(err, undo) {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.orders = append(s.orders, o)
	return journey.Rows{"orders": 1, "items": 1}, nil
}
