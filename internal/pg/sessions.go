package pg

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// idleSessions holds sessions between two uses: connecting and planning the catalogue queries takes as long as
// migrating a small table.
type idleSessions struct {
	mu     sync.Mutex
	idle   []*Session
	closed bool // released sessions are closed
}

type sessionsKey struct{}

// WithSessions returns a context in which released sessions are reused: [AcquireSession] returns a session that
// [Session.Release] has kept. The function end closes the idle sessions.
func WithSessions(ctx context.Context) (with context.Context, end func()) {
	l := &idleSessions{}
	return context.WithValue(ctx, sessionsKey{}, l), func() { l.end(ctx) }
}

// KeepsSessions reports whether the context comes from [WithSessions].
func KeepsSessions(ctx context.Context) bool {
	_, keeps := ctx.Value(sessionsKey{}).(*idleSessions)
	return keeps
}

// AcquireSession returns an idle session of the pool, or a new one, which connects at its first use. The caller
// must call Release or Close.
func AcquireSession(ctx context.Context, pool *pgxpool.Pool) *Session {
	if l, ok := ctx.Value(sessionsKey{}).(*idleSessions); ok {
		if session := l.take(pool); session != nil {
			return session
		}
	}
	return NewSession(pool)
}

// Release keeps the session for its next use, or closes it: if the context keeps no sessions, if it is in a
// transaction, or if it is older than the pool's MaxConnLifetime. The age is bounded because a session caches the
// metadata of every table that it has used.
func (l *Session) Release(ctx context.Context) {
	all, ok := ctx.Value(sessionsKey{}).(*idleSessions)
	if !ok || l.conn == nil || l.conn.IsClosed() || l.conn.PgConn().TxStatus() != 'I' ||
		time.Since(l.opened) > l.pool.Config().MaxConnLifetime || !all.keep(l) {
		l.Close(ctx)
	}
}

func (l *idleSessions) take(pool *pgxpool.Pool) *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, session := range l.idle {
		if session.pool == pool {
			l.idle = append(l.idle[:i:i], l.idle[i+1:]...)
			return session
		}
	}
	return nil
}

func (l *idleSessions) keep(session *Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.idle = append(l.idle, session)
	}
	return !l.closed
}

func (l *idleSessions) end(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, session := range l.idle {
		session.Close(ctx)
	}
	l.idle = nil
}
