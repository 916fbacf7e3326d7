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
	bursts  bool
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
	interval time.Duration // between two statements, on average
	burst    bool          // works only inside bursts
	rows     int64         // rows of the table at the start
	accounts int64         // number of accounts to which new rows refer
	waits    []wait
	failed   int64
	first    error // the first failure
}

// Bursts: for two seconds of every ten, the first after two, the application sends ten times as many statements. It
// does so over further connections, as a pool that grows.
const (
	burstEvery, burstBegins, burstEnds = 10 * time.Second, 2 * time.Second, 4 * time.Second
	burstRate                          = 10
	burstConnections                   = 4 // further ones for each usual one
)

// inBurst reports whether a burst is on at so long after the beginning.
func inBurst(since time.Duration) bool {
	at := since % burstEvery
	return at >= burstBegins && at < burstEnds
}

// untilBurst returns the time to the next burst, 0 inside one.
func untilBurst(since time.Duration) time.Duration {
	if inBurst(since) {
		return 0
	}
	return (burstBegins - since%burstEvery + burstEvery) % burstEvery
}

// begin connects, warms up, and starts to count when it returns.
func begin(ctx context.Context, s *site, bursts bool) (*traffic, error) {
	t := &traffic{from: time.Now().Add(s.options.warm), bursts: bursts}
	number, interval := s.options.connections, time.Duration(s.options.connections)*time.Second/time.Duration(s.options.rate)
	if bursts {
		number *= 1 + burstConnections
	}
	for i := range number {
		c := &client{
			traffic: t, url: s.url, interval: interval, rows: s.rows, accounts: s.accounts,
			random: rand.New(rand.NewPCG(uint64(i), uint64(s.rows))), // the same in every run
		}
		if c.burst = i >= s.options.connections; c.burst {
			c.interval = interval * burstConnections / (burstRate - 1)
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

// end waits for all statements that are due by now. Marks are the phases of a migration that began at a time.
func (t *traffic) end(begun time.Time, marks []mark) *Application {
	t.mu.Lock()
	t.until = time.Now()
	t.mu.Unlock()
	t.running.Wait()
	t.close()
	return t.figures(begun, marks)
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
		if c.burst {
			due = due.Add(untilBurst(max(due.Sub(c.traffic.from), 0)))
		}
		if rest(ctx, time.Until(due)) != nil || c.traffic.over(due) {
			return
		}
		writes, err := c.one(ctx)
		if ctx.Err() != nil {
			return
		}
		if due.After(c.traffic.from) {
			c.count(wait{due, time.Since(due), writes}, err)
		}
	}
}

func (c *client) count(w wait, err error) {
	c.waits = append(c.waits, w)
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
func (c *client) one(ctx context.Context) (writes bool, err error) {
	if c.session.IsClosed() {
		session, err := pgx.Connect(ctx, c.url)
		if err != nil {
			return false, err
		}
		c.session = session
	}
	id := 1 + c.random.Int64N(c.rows)
	writes = true
	switch c.random.IntN(4) {
	case 0:
		_, err = c.session.Exec(ctx, updateSQL, id)
	case 1:
		_, err = c.session.Exec(ctx, insertSQL, id%c.accounts, `{"source": "app", "campaign": 1, "tags": ["a1", "b2"]}`)
	default:
		writes = false
		_, err = c.session.Exec(ctx, selectSQL, id)
	}
	return writes, err
}
