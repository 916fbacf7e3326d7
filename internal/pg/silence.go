package pg

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Bounds decide when a connection on which nothing arrives is given up.
type Bounds struct {
	Probe  time.Duration // between two probes over another connection, and the longest that one may take
	Silent time.Duration // how long the connection may show no sign of life
	Late   time.Duration // how much later than the server's own timeout the client ends a statement
}

// usual are the bounds outside of tests: a silent connection ends at most 30 s after its last sign of life.
func usual() Bounds {
	return Bounds{Probe: 5 * time.Second, Silent: 15 * time.Second, Late: 5 * time.Second}
}

type boundsKey struct{}

// WithBounds returns a context whose transactions and statements keep other bounds than the usual ones.
func WithBounds(ctx context.Context, b Bounds) context.Context {
	return context.WithValue(ctx, boundsKey{}, b)
}

func boundsOf(ctx context.Context) Bounds {
	if b, ok := ctx.Value(boundsKey{}).(Bounds); ok {
		return b
	}
	return usual()
}

// SilentError says that a connection was given up because nothing arrived on it any more.
type SilentError struct {
	For         time.Duration // without a sign of life
	Unreachable bool          // the server answered no new connection either
	Err         error         // of the statement that was given up
}

func (e *SilentError) Error() string {
	return fmt.Sprintf("nothing arrived on the connection for %s, and the server was not at work for it", e.For)
}

// Unwrap returns the error of the statement.
func (e *SilentError) Unwrap() error { return e.Err }

// backend names a server process: its id, and when its server was started.
type backend struct {
	pid     uint32
	started string
}

// It is a whole number: the text of another would depend on the settings of the session.
const backendSQL = "SELECT pg_catalog.pg_backend_pid(), (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::pg_catalog.int8"

// backendOf reads the result of backendSQL.
func backendOf(result *pgconn.Result) backend {
	var b backend
	if len(result.Rows) == 1 && len(result.Rows[0]) == 2 {
		_, _ = fmt.Sscan(string(result.Rows[0][0]), &b.pid)
		b.started = string(result.Rows[0][1])
	}
	return b
}

// vigil watches one connection while something is done on it. TCP does not notice when a proxy or a firewall
// swallows what is sent, and a build or a scan may take hours; so the vigil asks the server over another connection
// whether the backend still works. If it does not, and nothing arrives, the connection is given up.
type vigil struct {
	bounds  Bounds
	conn    *pgconn.PgConn
	config  *pgxpool.Config
	backend backend
	heard   atomic.Int64 // when the last sign of life came, in nanoseconds
	silent  atomic.Bool  // the connection was given up
	mute    atomic.Bool  // and the server answered no new one
	cancel  context.CancelFunc
	timer   *time.Timer
	ended   chan struct{}
}

// keep begins a vigil. One that is shorter than the time between two probes costs a timer.
func keep(ctx context.Context, pool *pgxpool.Pool, conn *pgconn.PgConn, b backend) *vigil {
	bounds := boundsOf(ctx)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v := &vigil{bounds: bounds, conn: conn, backend: b, cancel: cancel, ended: make(chan struct{})}
	v.hear()
	v.timer = time.AfterFunc(bounds.Probe, func() {
		defer close(v.ended)
		v.config = pool.Config()
		v.watch(ctx)
	})
	return v
}

// hear records a sign of life.
func (v *vigil) hear() {
	if v != nil {
		v.heard.Store(time.Now().UnixNano())
	}
}

// end ends the vigil and returns the error of what was done, marked if the connection was given up.
func (v *vigil) end(err error) error {
	v.cancel()
	if !v.timer.Stop() {
		<-v.ended
	}
	if err != nil && v.silent.Load() {
		return &SilentError{For: v.bounds.Silent, Unreachable: v.mute.Load(), Err: err}
	}
	return err
}

func (v *vigil) watch(ctx context.Context) {
	ticker := time.NewTicker(v.bounds.Probe)
	defer ticker.Stop()
	for {
		sign := probe(ctx, v.config, v.bounds.Probe, v.backend)
		if ctx.Err() != nil {
			return
		}
		if sign == working {
			v.hear()
		}
		if sign == gone || time.Since(time.Unix(0, v.heard.Load())) >= v.bounds.Silent {
			v.mute.Store(sign == mute)
			v.silent.Store(true)
			_ = v.conn.Conn().SetDeadline(time.Unix(1, 0)) // what waits there returns at once
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sign is what a probe found out.
type sign int

const (
	mute    sign = iota // no answer
	waiting             // the backend waits for us
	gone                // the backend has ended
	working             // the backend is at work, or the server does not show it
)

// probe asks over a connection of its own what became of a backend. It takes no connection of the pool: all of
// those may be silent, or busy.
func probe(ctx context.Context, config *pgxpool.Config, most time.Duration, b backend) sign {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	conn, err := dial(ctx, config)
	if err != nil {
		return refused(err)
	}
	defer shut(ctx, conn)
	results, err := conn.PgConn().Exec(ctx, fmt.Sprintf("SELECT (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::pg_catalog.int8, "+
		"a.pid IS NOT NULL, a.state NOT IN ('active', 'disabled') OR a.wait_event_type = 'Client' "+
		"FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = %d", b.pid)).ReadAll()
	if err != nil {
		return refused(err)
	}
	row := results[len(results)-1].Rows[0]
	switch {
	case string(row[0]) != b.started: // another server of the same name
		return working
	case string(row[1]) != "t":
		return gone
	case string(row[2]) == "t":
		return waiting
	default:
		return working
	}
}

// dial connects as the pool does.
func dial(ctx context.Context, config *pgxpool.Config) (*pgx.Conn, error) {
	to := config.ConnConfig.Copy()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, to); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, to)
}

// refused reads a probe that failed. A server that says no is alive, and does not show its backends.
func refused(err error) sign {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch said.Code {
		case pgerrcode.CannotConnectNow, pgerrcode.AdminShutdown, pgerrcode.CrashShutdown:
			return mute
		}
		return working
	}
	return mute
}

// answers reports whether the server answers a new connection.
func answers(ctx context.Context, pool *pgxpool.Pool) bool {
	return probe(ctx, pool.Config(), boundsOf(ctx).Probe, backend{}) != mute
}
