package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// traffic is the application: several connections that select, update and insert by id at fixed times. A statement
// that is late, because the one before it had to wait, is sent at once, and its wait counts from the time when it was
// due: a lock delays every statement that would have been sent during it.
type traffic struct {
	clients []*client
	from    time.Time // statements due before are not counted
	mu      sync.Mutex
	until   time.Time // statements due after are not sent; zero while the traffic continues
	running sync.WaitGroup
}

// client is one connection. Only the client accesses its figures until the traffic has ended.
type client struct {
	traffic  *traffic
	url      string
	session  *pgx.Conn
	random   *rand.Rand
	interval time.Duration
	rows     int64 // rows of the table at the start
	accounts int64 // number of accounts to which new rows refer
	waits    []time.Duration
	failed   int64
	first    error // the first failure
}

// begin connects, warms up, and starts to count when it returns.
func begin(ctx context.Context, s *site) (*traffic, error) {
	t := &traffic{from: time.Now().Add(s.options.warm)}
	interval := time.Duration(s.options.connections) * time.Second / time.Duration(s.options.rate)
	for i := range s.options.connections {
		c := &client{
			traffic: t, url: s.url, interval: interval, rows: s.rows, accounts: s.accounts,
			random: rand.New(rand.NewPCG(uint64(i), uint64(s.rows))), // the same in every run
		}
		t.clients = append(t.clients, c)
		var err error
		if c.session, err = pgx.Connect(ctx, s.url); err != nil {
			t.close()
			return nil, err
		}
	}
	for _, c := range t.clients {
		t.running.Go(func() { c.work(ctx) })
	}
	return t, rest(ctx, time.Until(t.from))
}

// end waits for all statements that are due by now.
func (t *traffic) end() *Application {
	t.mu.Lock()
	t.until = time.Now()
	t.mu.Unlock()
	t.running.Wait()
	t.close()
	return t.figures()
}

func (t *traffic) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, c := range t.clients {
		if c.session != nil {
			_ = c.session.Close(ctx)
		}
	}
}

// over reports whether the traffic ended before a time.
func (t *traffic) over(due time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.until.IsZero() && due.After(t.until)
}

func (c *client) work(ctx context.Context) {
	due := time.Now()
	for {
		due = due.Add(time.Duration((0.5 + c.random.Float64()) * float64(c.interval)))
		if rest(ctx, time.Until(due)) != nil || c.traffic.over(due) {
			return
		}
		err := c.one(ctx)
		if ctx.Err() != nil {
			return
		}
		if due.After(c.traffic.from) {
			c.count(time.Since(due), err)
		}
	}
}

func (c *client) count(wait time.Duration, err error) {
	c.waits = append(c.waits, wait)
	if err == nil {
		return
	}
	c.failed++
	if c.first == nil {
		c.first = err
	}
}

// The application's statements. They name their columns and do not use the uuid.
const (
	selectSQL = "SELECT account_id, kind, title, amount, details, inserted_at, updated_at FROM public.items WHERE id = $1"
	updateSQL = "UPDATE public.items SET amount = amount + 1, updated_at = now() AT TIME ZONE 'UTC' WHERE id = $1"
	insertSQL = "INSERT INTO public.items (account_id, kind, title, amount, details) VALUES ($1, 'order', 'new item', 1, $2)"
)

// one sends a statement: half of them select, a quarter update, a quarter insert. Statements on a broken connection
// fail until it is restored.
func (c *client) one(ctx context.Context) error {
	if c.session.IsClosed() {
		session, err := pgx.Connect(ctx, c.url)
		if err != nil {
			return err
		}
		c.session = session
	}
	id := 1 + c.random.Int64N(c.rows)
	var err error
	switch c.random.IntN(4) {
	case 0:
		_, err = c.session.Exec(ctx, updateSQL, id)
	case 1:
		_, err = c.session.Exec(ctx, insertSQL, id%c.accounts, `{"source": "app", "campaign": 1, "tags": ["a1", "b2"]}`)
	default:
		_, err = c.session.Exec(ctx, selectSQL, id)
	}
	return err
}
