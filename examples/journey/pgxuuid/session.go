// Package pgxuuid is the new application: pgx, SQL by hand, and uuids alone. It names no integer key.
package pgxuuid

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/examples/journey"
	"github.com/rekey-pg/rekey/ident"
)

// Session is one session of the application. It deletes only rows that it has created.
type Session struct {
	db       *pgxpool.Pool
	ledger   *journey.Ledger
	name     string
	random   *rand.Rand
	users    []uuid.UUID // that always exist, by number
	products []uuid.UUID // that always exist, by number
	made     int
	orders   []uuid.UUID // created by this session
}

// NewSession returns a session. The name must be unique.
func NewSession(ctx context.Context, db *pgxpool.Pool, l *journey.Ledger, name string, random *rand.Rand) (*Session, error) {
	s := &Session{db: db, ledger: l, name: name, random: random}
	var err error
	if s.users, err = read(ctx, db, `SELECT uuid FROM users WHERE email LIKE 'user%' ORDER BY substring(email FROM '\d+')::int`); err != nil {
		return nil, err
	}
	s.products, err = read(ctx, db, `SELECT uuid FROM products WHERE sku LIKE 'sku-%' ORDER BY substring(sku FROM '\d+')::int`)
	return s, err
}

func read(ctx context.Context, db *pgxpool.Pool, sql string, args ...any) ([]uuid.UUID, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// Operations returns what the session does.
func (s *Session) Operations() []journey.Operation {
	return []journey.Operation{
		{Name: "insert an order with items", Run: s.insertOrder},
		{Name: "insert in one statement", Run: s.insertTogether},
		{Name: "COPY", Run: s.copy},
		{Name: "batch", Run: s.batch},
		{Name: "select with joins", Run: s.report},
		{Name: "update to another parent", Run: s.repoint},
		{Name: "update of an integer application's rows", Run: s.recent},
		{Name: "delete", Run: s.delete},
		{Name: "on conflict by text", Run: s.upsert},
		{Name: "on conflict do nothing", Run: s.review},
		{Name: "join table", Run: s.tag},
		{Name: "tree", Run: s.tree},
	}
}

func (s *Session) next() string {
	s.made++
	return fmt.Sprintf("%s-%d", s.name, s.made)
}

func (s *Session) user() uuid.UUID    { return s.users[s.random.IntN(len(s.users))] }
func (s *Session) product() uuid.UUID { return s.products[s.random.IntN(len(s.products))] }

// own returns an order that the session has created; the nil UUID if there is none.
func (s *Session) own() uuid.UUID {
	if len(s.orders) == 0 {
		return uuid.Nil
	}
	return s.orders[s.random.IntN(len(s.orders))]
}

const (
	insertOrder = `INSERT INTO orders (uuid, created_at, updated_at, user_uuid, status) VALUES ($1, now(), now(), $2, 'open')`
	insertItem  = `INSERT INTO items (order_uuid, product_uuid, quantity) VALUES ($1, $2, $3)`
)

// insertOrder makes the key in the application.
func (s *Session) insertOrder(ctx context.Context) (journey.Rows, error) {
	order := ident.NewV7As[uuid.UUID]()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertOrder, order, s.user())
		for range 3 {
			if err == nil {
				_, err = tx.Exec(ctx, insertItem, order, s.product(), 1)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.orders = append(s.orders, order)
	return journey.Rows{"orders": 1, "items": 3}, nil
}

// insertTogether inserts a user, an order and an item in one statement, with the keys of the columns' defaults.
func (s *Session) insertTogether(ctx context.Context) (journey.Rows, error) {
	var order uuid.UUID
	err := s.db.QueryRow(ctx, `WITH u AS (INSERT INTO users (created_at, updated_at, email, name) VALUES (now(), now(), $1, 'new') RETURNING uuid),
		o AS (INSERT INTO orders (created_at, updated_at, user_uuid, status) SELECT now(), now(), uuid, 'open' FROM u RETURNING uuid)
		INSERT INTO items (order_uuid, product_uuid, quantity) SELECT uuid, $2, 1 FROM o RETURNING order_uuid`, s.next()+"@example.com", s.product()).Scan(&order)
	if err != nil {
		return nil, err
	}
	s.orders = append(s.orders, order)
	return journey.Rows{"users": 1, "orders": 1, "items": 1}, nil
}

func (s *Session) copy(ctx context.Context) (journey.Rows, error) {
	order := s.own()
	if order == uuid.Nil {
		return nil, nil
	}
	n, err := s.db.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"order_uuid", "product_uuid", "quantity"}, pgx.CopyFromSlice(5, func(int) ([]any, error) {
		return []any{order, s.product(), int64(2)}, nil
	}))
	return journey.Rows{"items": n}, err
}

func (s *Session) batch(ctx context.Context) (journey.Rows, error) {
	order := s.own()
	if order == uuid.Nil {
		return nil, nil
	}
	var batch pgx.Batch
	for range 3 {
		batch.Queue(insertItem, order, s.product(), 1)
	}
	batch.Queue("UPDATE orders SET status = 'batched', updated_at = now() WHERE uuid = $1", order)
	return journey.Rows{"items": 3}, s.db.SendBatch(ctx, &batch).Close()
}

// report reads orders with their parents, and fails where a reference finds no parent.
func (s *Session) report(ctx context.Context) (journey.Rows, error) {
	var rows, missing int64
	err := s.db.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE u.uuid IS NULL OR i.uuid IS NOT NULL AND p.uuid IS NULL) FROM orders o LEFT JOIN users u ON u.uuid = o.user_uuid
		LEFT JOIN items i ON i.order_uuid = o.uuid LEFT JOIN products p ON p.uuid = i.product_uuid WHERE o.user_uuid = $1`, s.user()).Scan(&rows, &missing)
	if err == nil && missing > 0 {
		err = fmt.Errorf("%d of %d rows have no parent", missing, rows)
	}
	return nil, err
}

func (s *Session) repoint(ctx context.Context) (journey.Rows, error) {
	_, err := s.db.Exec(ctx, "UPDATE orders SET user_uuid = $1 WHERE uuid = $2", s.user(), s.own())
	return nil, err
}

// recent changes rows that any application has created.
func (s *Session) recent(ctx context.Context) (journey.Rows, error) {
	orders, err := read(ctx, s.db, "SELECT uuid FROM orders WHERE user_uuid = $1 ORDER BY created_at DESC LIMIT 3", s.user())
	for _, order := range orders {
		if err == nil {
			_, err = s.db.Exec(ctx, "UPDATE orders SET status = 'seen', user_uuid = $2 WHERE uuid = $1", order, s.user())
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
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT FROM orders WHERE uuid = $1 FOR UPDATE", s.orders[at])
		if err == nil {
			err = tx.QueryRow(ctx, "SELECT count(*) FROM items WHERE order_uuid = $1", s.orders[at]).Scan(&items)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "DELETE FROM orders WHERE uuid = $1", s.orders[at])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.orders = append(s.orders[:at], s.orders[at+1:]...)
	return journey.Rows{"orders": -1, "items": -items}, nil
}

func (s *Session) upsert(ctx context.Context) (journey.Rows, error) {
	_, err := s.db.Exec(ctx, `INSERT INTO products (sku, name, price, stock) VALUES ($1, $2, 1, 1) ON CONFLICT (sku) DO UPDATE SET name = EXCLUDED.name`,
		fmt.Sprintf("sku-%d", 1+s.random.IntN(len(s.products))), s.next())
	return nil, err
}

// review inserts a review unless it exists. The unique index of both uuids comes with phase contracted: until then no statement can
// name it in ON CONFLICT.
func (s *Session) review(ctx context.Context) (journey.Rows, error) {
	user, product := s.random.IntN(len(s.users)), s.random.IntN(len(s.products))
	_, err := s.db.Exec(ctx, "INSERT INTO reviews (user_uuid, product_uuid, stars) VALUES ($1, $2, 3) ON CONFLICT DO NOTHING", s.users[user], s.products[product])
	if err == nil {
		_, err = s.db.Exec(ctx, "UPDATE reviews SET stars = 4 WHERE user_uuid = $1 AND product_uuid = $2", s.users[user], s.products[product])
	}
	if err != nil {
		return nil, err
	}
	return journey.Rows{"reviews": s.ledger.Once(fmt.Sprint("review ", 1+user, " ", 1+product))}, nil
}

func (s *Session) tag(ctx context.Context) (journey.Rows, error) {
	_, err := s.db.Exec(ctx, `WITH t AS (INSERT INTO tags (name) VALUES ($1) RETURNING uuid) INSERT INTO product_tags (product_uuid, tag_uuid) SELECT $2, uuid FROM t`, s.next(), s.product())
	return journey.Rows{"tags": 1, "product_tags": 1}, err
}

// tree inserts a category and its child, and moves the child.
func (s *Session) tree(ctx context.Context) (journey.Rows, error) {
	var parent, child uuid.UUID
	err := s.db.QueryRow(ctx, "INSERT INTO categories (name) VALUES ($1) RETURNING uuid", s.next()).Scan(&parent)
	if err == nil {
		err = s.db.QueryRow(ctx, "INSERT INTO categories (name, parent_uuid) VALUES ($1, $2) RETURNING uuid", s.next(), parent).Scan(&child)
	}
	if err != nil {
		return nil, err
	}
	_, err = s.db.Exec(ctx, "UPDATE categories SET parent_uuid = NULL WHERE uuid = $1", child)
	_, err2 := s.db.Exec(ctx, "UPDATE products SET category_uuid = $1 WHERE uuid = $2", child, s.product())
	return journey.Rows{"categories": 2}, errors.Join(err, err2)
}
