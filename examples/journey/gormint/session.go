package gormint

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"gorm.io/gorm"

	"github.com/rekey-pg/rekey/examples/journey"
)

// Session is one session of the application. It deletes only rows that it has created, so that no other session misses them.
type Session struct {
	db     *gorm.DB
	name   string
	random *rand.Rand
	made   int
	orders []uint           // created by this session
	users  []uint           // created by this session
	tags   []Tag            // created by this session
	tagged map[[2]uint]bool // product and tag
	ledger *journey.Ledger
}

// NewSession returns a session. The name must be unique.
func NewSession(db *gorm.DB, l *journey.Ledger, name string, random *rand.Rand) *Session {
	return &Session{db: db, ledger: l, name: name, random: random, tagged: map[[2]uint]bool{}}
}

// Operations returns what the session does.
func (s *Session) Operations() []journey.Operation {
	return []journey.Operation{
		{Name: "Create with associations", Run: s.createUser},
		{Name: "Create of an order", Run: s.createOrder},
		{Name: "CreateInBatches", Run: s.createItems},
		{Name: "Preload", Run: s.preload},
		{Name: "Joins, group and count", Run: s.report},
		{Name: "FindInBatches", Run: s.batches},
		{Name: "Save", Run: s.save},
		{Name: "Save of an association", Run: s.saveAll},
		{Name: "Updates", Run: s.updates},
		{Name: "Update to another parent", Run: s.repoint},
		{Name: "Update of an expression", Run: s.stock},
		{Name: "Lock for update", Run: s.lock},
		{Name: "Delete with associations", Run: s.deleteOrder},
		{Name: "Soft delete and back", Run: s.softDelete},
		{Name: "FirstOrCreate", Run: s.firstOrCreate},
		{Name: "OnConflict by text", Run: s.upsertProduct},
		{Name: "OnConflict by integers", Run: s.upsertReview},
		{Name: "OnConflict by id", Run: s.upsertByID},
		{Name: "Association: append and delete", Run: s.tag},
		{Name: "Nested transaction", Run: s.nested},
		{Name: "Tree", Run: s.tree},
		{Name: "Raw and Exec", Run: s.raw},
	}
}

func (s *Session) on(ctx context.Context) *gorm.DB { return s.db.WithContext(ctx) }

// next returns a number that no other call returns, for texts that must be unique.
func (s *Session) next() string {
	s.made++
	return fmt.Sprintf("%s-%d", s.name, s.made)
}

// user, product and category return keys of rows that always exist.
func (s *Session) user() uint     { return 1 + uint(s.random.IntN(Users)) }
func (s *Session) product() uint  { return 1 + uint(s.random.IntN(Products)) }
func (s *Session) category() uint { return 1 + uint(s.random.IntN(Categories)) }

// order returns the key of an order that always exists or that the session has created.
func (s *Session) order() uint {
	if len(s.orders) > 0 && s.random.IntN(2) == 0 {
		return s.orders[s.random.IntN(len(s.orders))]
	}
	return 1 + uint(s.random.IntN(3*Users))
}

func (s *Session) items(n int) (items []Item) {
	for range n {
		items = append(items, Item{ProductID: s.product(), Quantity: 1 + s.random.Int64N(5)})
	}
	return items
}

func (s *Session) createUser(ctx context.Context) (journey.Rows, error) {
	u := User{Email: s.next() + "@example.org", Name: "new", Orders: []Order{{Status: "open", Items: s.items(2)}, {Status: "paid", Items: s.items(1)}}}
	if err := s.on(ctx).Create(&u).Error; err != nil {
		return nil, err
	}
	s.users = append(s.users, u.ID)
	for _, o := range u.Orders {
		s.orders = append(s.orders, o.ID)
	}
	return journey.Rows{"users": 1, "orders": 2, "items": 3}, nil
}

func (s *Session) createOrder(ctx context.Context) (journey.Rows, error) {
	o := Order{UserID: s.user(), Status: "open", Items: s.items(3)}
	if err := s.on(ctx).Create(&o).Error; err != nil {
		return nil, err
	}
	s.orders = append(s.orders, o.ID)
	return journey.Rows{"orders": 1, "items": 3}, nil
}

func (s *Session) createItems(ctx context.Context) (journey.Rows, error) {
	items, order := s.items(6), s.order()
	for i := range items {
		items[i].OrderID = order
	}
	return journey.Rows{"items": 6}, s.on(ctx).CreateInBatches(items, 4).Error
}

func (s *Session) preload(ctx context.Context) (journey.Rows, error) {
	var users []User
	err := s.on(ctx).Preload("Orders.Items.Product.Category").Preload("Reviews.Product").Where("id > ?", s.user()).Order("id").Limit(5).Find(&users).Error
	for _, u := range users {
		for _, o := range u.Orders {
			for _, i := range o.Items {
				if i.Product == nil {
					return nil, fmt.Errorf("item %d has no product", i.ID)
				}
			}
		}
	}
	return nil, err
}

func (s *Session) report(ctx context.Context) (journey.Rows, error) {
	var orders []Order
	if err := s.on(ctx).Joins("User").Where("orders.user_id = ?", s.user()).Find(&orders).Error; err != nil {
		return nil, err
	}
	for _, o := range orders {
		if o.User == nil || o.User.ID != o.UserID {
			return nil, fmt.Errorf("order %d was joined to %+v, want user %d", o.ID, o.User, o.UserID)
		}
	}
	var totals []struct {
		UserID uint
		N      int64
	}
	if err := s.on(ctx).Model(&Order{}).Select("user_id, count(*) AS n").Group("user_id").Having("count(*) > ?", 3).Limit(5).Find(&totals).Error; err != nil {
		return nil, err
	}
	var n int64
	var names []string
	return nil, errors.Join(s.on(ctx).Model(&Product{}).Where("category_id IN (?)", s.on(ctx).Model(&Category{}).Select("id").Where("parent_id = ?", s.category())).Count(&n).Error,
		s.on(ctx).Model(&Tag{}).Distinct().Limit(5).Pluck("name", &names).Error)
}

func (s *Session) batches(ctx context.Context) (journey.Rows, error) {
	var products []Product
	return nil, s.on(ctx).Preload("Tags").FindInBatches(&products, 25, func(*gorm.DB, int) error { return nil }).Error
}
