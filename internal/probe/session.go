package probe

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	// slowest is when a statement is given up and its connection closed.
	slowest = 10 * time.Second
	// endTimeout is how long the end of a run waits for the current statement.
	endTimeout = 100 * time.Millisecond
)

// Pauses before a lost connection is opened again.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 30 * time.Second
)

// session is work on a connection of its own, which is opened again when it is lost.
type session struct {
	cancel context.CancelFunc
	stop   chan struct{}
	ended  chan struct{}

	stopping  sync.Once
	connected atomic.Bool
}

// start starts work on a connection to which setUp was sent. work ends with nil when sleep returns false, and with an error if the
// connection is lost. failed is called when the first connection fails, and not again.
func (s *session) start(ctx context.Context, pool *pgxpool.Pool, setUp string, work func(context.Context, *pgx.Conn) error, failed func(error)) {
	ctx, cancel := context.WithCancel(ctx)
	s.cancel, s.stop, s.ended = cancel, make(chan struct{}), make(chan struct{})
	go s.run(ctx, func(ctx context.Context) (connected bool, err error) {
		conn, err := connect(ctx, pool, setUp)
		if err != nil {
			return false, err
		}
		s.connected.Store(true)
		defer hangUp(ctx, conn)
		defer s.connected.Store(false) // before hangUp, which takes a while on a connection that is silent
		return true, work(ctx, conn)
	}, failed)
}

// Connected reports whether there is a connection now.
func (s *session) Connected() bool { return s.connected.Load() }

// End ends the work. It waits a moment for the current statement and then cancels it. It may be called again.
func (s *session) End() {
	s.stopping.Do(func() { close(s.stop) })
	select {
	case <-s.ended:
	case <-time.After(endTimeout):
	}
	s.cancel()
	<-s.ended
}

func (s *session) run(ctx context.Context, once func(context.Context) (connected bool, err error), failed func(error)) {
	defer close(s.ended)
	defer s.cancel()
	pause, ever := firstPause, false
	for {
		began := time.Now()
		connected, err := once(ctx)
		ever = ever || connected
		if err == nil || ctx.Err() != nil {
			return
		}
		if !ever {
			failed(err)
			return
		}
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		if !s.sleep(ctx, pause/2+rand.N(pause)) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// sleep waits, and reports whether the work continues.
func (s *session) sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stop:
		return false
	case <-ctx.Done():
		return false
	}
}

// connect opens a connection.
func connect(ctx context.Context, pool *pgxpool.Pool, setUp string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	conn, err := pg.Dial(ctx, pool)
	if err != nil {
		return nil, err
	}
	if _, err = conn.PgConn().Exec(ctx, setUp).ReadAll(); err != nil {
		hangUp(ctx, conn)
		return nil, err
	}
	return conn, nil
}

func hangUp(ctx context.Context, conn *pgx.Conn) {
	pg.Hangup(ctx, conn)
	select {
	case <-conn.PgConn().CleanupDone():
	case <-time.After(time.Second):
	}
}
