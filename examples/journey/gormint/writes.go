package gormint

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rekey-pg/rekey/examples/journey"
)

// save reads an order and writes all its columns.
func (s *Session) save(ctx context.Context) (journey.Rows, error) {
	var o Order
	if err := s.on(ctx).First(&o, s.order()).Error; err != nil {
		return nil, err
	}
	o.Status = "saved"
	return nil, s.on(ctx).Save(&o).Error
}

// saveAll writes an order with its items, which GORM sends as INSERT .. ON CONFLICT (id) DO UPDATE.
func (s *Session) saveAll(ctx context.Context) (journey.Rows, error) {
	if len(s.orders) == 0 {
		return nil, nil
	}
	var o Order
	if err := s.on(ctx).Preload("Items").First(&o, s.orders[len(s.orders)-1]).Error; err != nil {
		return nil, err
	}
	for i := range o.Items {
		o.Items[i].Quantity++
	}
	o.Items = append(o.Items, s.items(1)...)
	return journey.Rows{"items": 1}, s.on(ctx).Session(&gorm.Session{FullSaveAssociations: true}).Save(&o).Error
}

func (s *Session) updates(ctx context.Context) (journey.Rows, error) {
	return nil, errors.Join(s.on(ctx).Model(&Order{ID: s.order()}).Updates(Order{Status: "sent"}).Error,
		s.on(ctx).Model(&User{}).Where("id = ?", s.user()).Updates(map[string]any{"name": s.next()}).Error)
}

// repoint gives an order to another user, by an UPDATE of one column and by an association.
func (s *Session) repoint(ctx context.Context) (journey.Rows, error) {
	if s.random.IntN(2) == 0 {
		return nil, s.on(ctx).Model(&Order{}).Where("id = ?", s.order()).Update("user_id", s.user()).Error
	}
	var u User
	if err := s.on(ctx).Unscoped().First(&u, s.user()).Error; err != nil {
		return nil, err
	}
	return nil, s.on(ctx).Model(&Order{ID: s.order()}).Association("User").Replace(&u)
}

func (s *Session) stock(ctx context.Context) (journey.Rows, error) {
	return nil, s.on(ctx).Model(&Product{ID: s.product()}).UpdateColumn("stock", gorm.Expr("stock - ?", 1)).Error
}

func (s *Session) lock(ctx context.Context) (journey.Rows, error) {
	return nil, s.on(ctx).Transaction(func(tx *gorm.DB) error {
		var o Order
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).First(&o, s.order()).Error; err != nil {
			return err
		}
		return tx.Model(&o).Update("status", "locked").Error
	})
}

func (s *Session) deleteOrder(ctx context.Context) (journey.Rows, error) {
	if len(s.orders) == 0 {
		return nil, nil
	}
	at := s.random.IntN(len(s.orders))
	var items int64
	err := s.on(ctx).Transaction(func(tx *gorm.DB) error {
		// A lock on the order keeps other sessions from adding an item to it.
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).First(&Order{}, s.orders[at]).Error; err != nil {
			return err
		}
		if err := tx.Model(&Item{}).Where("order_id = ?", s.orders[at]).Count(&items).Error; err != nil {
			return err
		}
		if s.random.IntN(2) == 0 { // ON DELETE CASCADE deletes the items
			return tx.Delete(&Order{ID: s.orders[at]}).Error
		}
		return tx.Select("Items").Delete(&Order{ID: s.orders[at]}).Error
	})
	if err != nil {
		return nil, err
	}
	s.orders = append(s.orders[:at], s.orders[at+1:]...)
	return journey.Rows{"orders": -1, "items": -items}, nil
}

func (s *Session) softDelete(ctx context.Context) (journey.Rows, error) {
	if len(s.users) == 0 {
		return nil, nil
	}
	id := s.users[s.random.IntN(len(s.users))]
	if err := s.on(ctx).Delete(&User{}, id).Error; err != nil {
		return nil, err
	}
	if err := s.on(ctx).First(&User{}, id).Error; !errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, fmt.Errorf("user %d is deleted, and First returns %w", id, err)
	}
	return nil, s.on(ctx).Unscoped().Model(&User{}).Where("id = ?", id).Update("deleted_at", nil).Error
}

func (s *Session) firstOrCreate(ctx context.Context) (journey.Rows, error) {
	name := s.next()
	for n := range 2 {
		var tag Tag
		result := s.on(ctx).FirstOrCreate(&tag, Tag{Name: name})
		switch {
		case result.Error != nil:
			return nil, result.Error
		case result.RowsAffected != int64(1-n):
			return nil, fmt.Errorf("call %d of FirstOrCreate inserted %d rows", n+1, result.RowsAffected)
		case n == 0:
			s.tags = append(s.tags, tag)
		}
	}
	return journey.Rows{"tags": 1}, nil
}

func (s *Session) upsertProduct(ctx context.Context) (journey.Rows, error) {
	p := Product{SKU: fmt.Sprintf("sku-%d", s.product()), Name: s.next(), Stock: 500}
	onConflict := clause.OnConflict{Columns: []clause.Column{{Name: "sku"}}, DoUpdates: clause.AssignmentColumns([]string{"name", "stock"})}
	return nil, s.on(ctx).Clauses(onConflict).Create(&p).Error
}

// upsertReview lets all sessions insert and update the same rows.
func (s *Session) upsertReview(ctx context.Context) (journey.Rows, error) {
	r := Review{UserID: s.user(), ProductID: s.product(), Stars: s.random.IntN(6)}
	onConflict := clause.OnConflict{Columns: []clause.Column{{Name: "user_id"}, {Name: "product_id"}}, DoUpdates: clause.AssignmentColumns([]string{"stars"})}
	if err := s.on(ctx).Clauses(onConflict).Create(&r).Error; err != nil {
		return nil, err
	}
	return journey.Rows{"reviews": s.ledger.Once(fmt.Sprint("review ", r.UserID, " ", r.ProductID))}, nil
}

// upsertByID names the primary key, which the switch changes: the integers stay unique.
func (s *Session) upsertByID(ctx context.Context) (journey.Rows, error) {
	c := Category{ID: s.category(), Name: s.next()}
	return nil, errors.Join(s.on(ctx).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).Create(&c).Error,
		s.on(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&Category{ID: s.category(), Name: "ignored"}).Error)
}

// tag writes the join table, whose primary key has two references.
func (s *Session) tag(ctx context.Context) (journey.Rows, error) {
	if len(s.tags) == 0 {
		return nil, nil
	}
	tag, product := s.tags[s.random.IntN(len(s.tags))], s.product()
	key := [2]uint{product, tag.ID}
	tags := s.on(ctx).Model(&Product{ID: product}).Association("Tags")
	added := int64(-1)
	var err error
	if s.tagged[key] {
		err = tags.Delete(&tag)
	} else {
		err = errors.Join(tags.Append(&tag), tags.Append(&tag)) // twice: ON CONFLICT DO NOTHING
		added = 1
	}
	if err != nil {
		return nil, err
	}
	s.tagged[key] = !s.tagged[key]
	return journey.Rows{"product_tags": added}, nil
}

// nested commits an order, and rolls an inner transaction with another one back to its savepoint.
func (s *Session) nested(ctx context.Context) (journey.Rows, error) {
	undo := errors.New("undo")
	o := Order{UserID: s.user(), Status: "nested", Items: s.items(1)}
	err := s.on(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(&o).Error; err != nil {
			return err
		}
		err := tx.Transaction(func(inner *gorm.DB) error {
			return errors.Join(inner.Create(&Order{UserID: s.user(), Status: "undone", Items: s.items(2)}).Error, undo)
		})
		if !errors.Is(err, undo) {
			return err
		}
		return tx.Create(&Item{OrderID: o.ID, ProductID: s.product(), Quantity: 1}).Error
	})
	if err != nil {
		return nil, err
	}
	s.orders = append(s.orders, o.ID)
	return journey.Rows{"orders": 1, "items": 2}, nil
}

// tree adds a category and moves it from its parent to another one and to none.
func (s *Session) tree(ctx context.Context) (journey.Rows, error) {
	parent := s.category()
	c := Category{Name: s.next(), ParentID: &parent, Children: []Category{{Name: "child"}}}
	if err := s.on(ctx).Create(&c).Error; err != nil {
		return nil, err
	}
	err := errors.Join(s.on(ctx).Model(&c).Update("parent_id", s.category()).Error, s.on(ctx).Model(&c).Select("ParentID").Updates(Category{}).Error)
	return journey.Rows{"categories": 2}, err
}

func (s *Session) raw(ctx context.Context) (journey.Rows, error) {
	var total int64
	err := s.on(ctx).Raw("SELECT coalesce(sum(i.quantity * p.price), 0) FROM items i JOIN products p ON p.id = i.product_id WHERE i.order_id = @order", map[string]any{"order": s.order()}).Scan(&total).Error
	return nil, errors.Join(err, s.on(ctx).Exec("UPDATE items SET product_id = ? WHERE id = (SELECT min(id) FROM items WHERE order_id = ?)", s.product(), s.order()).Error)
}
