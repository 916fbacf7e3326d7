package pg

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// idleLanes are sessions between two uses: to connect, and to plan all that a lane knows, takes as long as a small table.
type idleLanes struct {
	mu   sync.Mutex
	idle []*Session
	over bool // what is given back is closed
}

type lanesKey struct{}

// WithLanes returns a context in which lanes outlive their use: [TakeLane] takes one that [Lane.GiveBack] has given back.
// End closes those that are idle.
func WithSessions(ctx context.Context) (with context.Context, end func()) {
	l := &idleLanes{}
	return context.WithValue(ctx, lanesKey{}, l), func() { l.end(ctx) }
}

// KeepsLanes reports whether the context is one of WithLanes.
func KeepsSessions(ctx context.Context) bool {
	_, keeps := ctx.Value(lanesKey{}).(*idleLanes)
	return keeps
}

// TakeLane returns an idle lane of the pool, else a new one, which opens nothing yet. Each is given back or closed.
func AcquireSession(ctx context.Context, pool *pgxpool.Pool) *Session {
	if l, ok := ctx.Value(lanesKey{}).(*idleLanes); ok {
		if lane := l.take(pool); lane != nil {
			return lane
		}
	}
	return NewSession(pool)
}

// GiveBack keeps the session for the next use, or closes it: one in a transaction, one that is as old as a connection of its
// pool may become, and any where the context keeps none. A session that goes over many tables remembers them all.
func (l *Session) Release(ctx context.Context) {
	all, ok := ctx.Value(lanesKey{}).(*idleLanes)
	if !ok || l.conn == nil || l.conn.IsClosed() || l.conn.PgConn().TxStatus() != 'I' ||
		time.Since(l.opened) > l.pool.Config().MaxConnLifetime || !all.keep(l) {
		l.Close(ctx)
	}
}

func (l *idleLanes) take(pool *pgxpool.Pool) *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, lane := range l.idle {
		if lane.pool == pool {
			l.idle = append(l.idle[:i:i], l.idle[i+1:]...)
			return lane
		}
	}
	return nil
}

func (l *idleLanes) keep(lane *Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.idle = append(l.idle, lane)
	}
	return !l.over
}

func (l *idleLanes) end(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for _, lane := range l.idle {
		lane.Close(ctx)
	}
	l.idle = nil
}
