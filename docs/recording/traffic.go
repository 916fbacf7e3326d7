package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// traffic is the application of the pictures: connections that read, update and insert orders at fixed times. Further
// connections, like the additional ones of a pool that grows, work only during a burst.
type traffic struct {
	burst   atomic.Bool
	sent    atomic.Int64
	cancel  context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	failed  error
}

// The application sends 400 statements a second, and ten times as many during a burst.
const (
	usualConnections, usualInterval = 4, 10 * time.Millisecond // of each connection
	burstConnections, burstInterval = 16, usualInterval * 16 / (9 * usualConnections)
	// orders is the number of orders in night.sql.
	orders = 2_000_000
)

func startTraffic(ctx context.Context, url string) (*traffic, error) {
	ctx, cancel := context.WithCancel(ctx)
	t := &traffic{cancel: cancel}
	for i := range usualConnections + burstConnections {
		session, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, errors.Join(err, t.end())
		}
		random := rand.New(rand.NewPCG(uint64(i), orders)) // the same in every run
		t.running.Go(func() {
			defer session.Close(context.WithoutCancel(ctx))
			if i < usualConnections {
				t.work(ctx, session, random, usualInterval, func() bool { return true })
			} else {
				t.work(ctx, session, random, burstInterval, t.burst.Load)
			}
		})
	}
	return t, nil
}

// end ends the traffic and returns the first error of a statement.
func (t *traffic) end() error {
	t.cancel()
	t.running.Wait()
	return t.failed
}

func (t *traffic) work(ctx context.Context, session *pgx.Conn, random *rand.Rand, interval time.Duration, on func() bool) {
	due := time.Now()
	for {
		due = due.Add(time.Duration((0.5 + random.Float64()) * float64(interval)))
		rest(ctx, time.Until(due))
		if !on() {
			due = time.Now()
			rest(ctx, usualInterval)
		} else if ctx.Err() == nil {
			t.count(ctx, send(ctx, session, random))
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (t *traffic) count(ctx context.Context, err error) {
	t.sent.Add(1)
	if err == nil || ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = fmt.Errorf("the application: %w", err)
	}
}

// send sends a statement: half of them read, a quarter update, a quarter insert.
func send(ctx context.Context, session *pgx.Conn, random *rand.Rand) error {
	id := 1 + random.Int64N(orders)
	var err error
	switch random.IntN(4) {
	case 0:
		_, err = session.Exec(ctx, "UPDATE app.orders SET amount = amount + 1, updated_at = now() WHERE id = $1", id)
	case 1:
		_, err = session.Exec(ctx, `INSERT INTO app.orders (customer_id, product_id, amount, details) VALUES ($1, $2, 1, '{"source": "app"}')`, 1+id%50_000, 1+id%5_000)
	default:
		_, err = session.Exec(ctx, "SELECT customer_id, product_id, amount, details, inserted_at FROM app.orders WHERE id = $1", id)
	}
	return err
}

// rest waits. It returns early when the context ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
