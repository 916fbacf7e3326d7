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

// Bounds determine when a connection on which nothing arrives is given up.
type Bounds struct {
	Probe  time.Duration // interval and timeout of probes over another connection
	Silent time.Duration // how long a connection may be silent before it is closed
	Late   time.Duration // how long after statement_timeout the client gives up a statement
}

// defaultBounds end a silent connection at most 30 s after its last activity.
func defaultBounds() Bounds {
	return Bounds{Probe: 5 * time.Second, Silent: 15 * time.Second, Late: 5 * time.Second}
}

type boundsKey struct{}

// WithBounds returns a context with other bounds than the default ones.
func WithBounds(ctx context.Context, b Bounds) context.Context {
	return context.WithValue(ctx, boundsKey{}, b)
}

func boundsOf(ctx context.Context) Bounds {
	if b, ok := ctx.Value(boundsKey{}).(Bounds); ok {
		return b
	}
	return defaultBounds()
}

// SilentError reports that a connection was closed because nothing arrived on it. It wraps the error of the
// statement.
type SilentError struct {
	For         time.Duration // how long the connection was silent
	Unreachable bool          // the server does not answer new connections either
	Err         error         // the error of the statement
}

func (e *SilentError) Error() string {
	return fmt.Sprintf("no data arrived on the connection for %s, and its backend was not working", e.For)
}

// Unwrap returns the error of the statement.
func (e *SilentError) Unwrap() error { return e.Err }

// backend identifies a server process: its process id and the start time of its server.
type backend struct {
	pid     uint32
	started string
}

// The time is an integer, since the text of a timestamp or a float depends on the session's settings.
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

// watchdog watches a connection during an operation. TCP does not notice when a proxy or a firewall drops packets
// silently, and an index build or a scan may take hours. So the watchdog asks the server over another connection
// whether the backend is still working. If it is not, and nothing arrives, the watchdog closes the connection.
type watchdog struct {
	bounds       Bounds
	conn         *pgconn.PgConn
	config       *pgxpool.Config
	backend      backend
	lastActivity atomic.Int64 // time of the last activity, in nanoseconds
	silent       atomic.Bool  // the connection was closed
	unreachable  atomic.Bool  // the server did not answer a new connection
	cancel       context.CancelFunc
	timer        *time.Timer
	ended        chan struct{}
}

// startWatchdog starts a watchdog. For an operation that is shorter than Bounds.Probe it costs a timer.
func startWatchdog(ctx context.Context, pool *pgxpool.Pool, conn *pgconn.PgConn, b backend) *watchdog {
	bounds := boundsOf(ctx)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v := &watchdog{bounds: bounds, conn: conn, backend: b, cancel: cancel, ended: make(chan struct{})}
	v.recordActivity()
	v.timer = time.AfterFunc(bounds.Probe, func() {
		defer close(v.ended)
		v.config = pool.Config()
		v.watch(ctx)
	})
	return v
}

// recordActivity records that data has arrived. It does nothing on a nil watchdog.
func (v *watchdog) recordActivity() {
	if v != nil {
		v.lastActivity.Store(time.Now().UnixNano())
	}
}

// end stops the watchdog and returns err, wrapped in a [*SilentError] if the watchdog has closed the connection.
func (v *watchdog) end(err error) error {
	v.cancel()
	if !v.timer.Stop() {
		<-v.ended
	}
	if err != nil && v.silent.Load() {
		return &SilentError{For: v.bounds.Silent, Unreachable: v.unreachable.Load(), Err: err}
	}
	return err
}

func (v *watchdog) watch(ctx context.Context) {
	ticker := time.NewTicker(v.bounds.Probe)
	defer ticker.Stop()
	for {
		state := probe(ctx, v.config, v.bounds.Probe, v.backend)
		if ctx.Err() != nil {
			return
		}
		if state == working {
			v.recordActivity()
		}
		if state == gone || time.Since(time.Unix(0, v.lastActivity.Load())) >= v.bounds.Silent {
			v.unreachable.Store(state == noAnswer)
			v.silent.Store(true)
			_ = v.conn.Conn().SetDeadline(time.Unix(1, 0)) // makes a pending read return at once
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// backendState is the result of a probe.
type backendState int

const (
	noAnswer backendState = iota // the server did not answer
	waiting                      // the backend waits for the client
	gone                         // the backend has ended
	working                      // the backend is working, or the server does not show its state
)

// probe reads the state of a backend over a new connection. It takes none from the pool, since those may be silent
// or busy.
func probe(ctx context.Context, config *pgxpool.Config, timeout time.Duration, b backend) backendState {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dial(ctx, config)
	if err != nil {
		return stateAfter(err)
	}
	defer closeConn(ctx, conn)
	results, err := conn.PgConn().Exec(ctx, fmt.Sprintf("SELECT (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::pg_catalog.int8, "+
		"a.pid IS NOT NULL, a.state NOT IN ('active', 'disabled') OR a.wait_event_type = 'Client' "+
		"FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = %d", b.pid)).ReadAll()
	if err != nil {
		return stateAfter(err)
	}
	row := results[len(results)-1].Rows[0]
	switch {
	case string(row[0]) != b.started: // another server answers under the same address
		return working
	case string(row[1]) != "t":
		return gone
	case string(row[2]) == "t":
		return waiting
	default:
		return working
	}
}

// dial opens a connection with the pool's configuration.
func dial(ctx context.Context, config *pgxpool.Config) (*pgx.Conn, error) {
	to := config.ConnConfig.Copy()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, to); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, to)
}

// stateAfter returns the state after a probe that failed. A server that refuses a connection is alive, but does not
// show its backends.
func stateAfter(err error) backendState {
	if serverErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch serverErr.Code {
		case pgerrcode.CannotConnectNow, pgerrcode.AdminShutdown, pgerrcode.CrashShutdown:
			return noAnswer
		}
		return working
	}
	return noAnswer
}

// serverAnswers reports whether the server answers a new connection.
func serverAnswers(ctx context.Context, pool *pgxpool.Pool) bool {
	return probe(ctx, pool.Config(), boundsOf(ctx).Probe, backend{}) != noAnswer
}
