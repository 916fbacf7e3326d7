package throttle

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// testTimeout ends a test whose condition never becomes true.
const testTimeout = 5 * time.Minute

// env is a database with a table t, a plain role that owns it, and the notices of a Watch.
type env struct {
	*testing.T
	db    servertest.DB
	admin *pgxpool.Pool
	plain *pgxpool.Pool
	pace  *pace.Pace

	mu      sync.Mutex
	notices []string
}

func newEnv(t *testing.T, c *server.Cluster) *env {
	t.Helper()
	b := &env{T: t, db: servertest.Database(t, c), pace: pace.New("", 0)}
	b.admin = b.connect("postgres")
	b.exec(`DO $$BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
		CREATE TABLE t (id int); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO plain; GRANT ALL ON SCHEMA public TO plain`)
	b.plain = b.connect("plain")
	return b
}

func (b *env) connect(role string) *pgxpool.Pool {
	b.Helper()
	config, err := pgxpool.ParseConfig(b.db.URL)
	if err != nil {
		b.Fatal(err)
	}
	config.ConnConfig.User = role
	config.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return pool
}

func (b *env) exec(sql string) {
	b.Helper()
	servertest.Execute(b, b.admin, sql)
}

// start starts a Watch that reads every 20 ms until the test ends.
func (b *env) start(pool *pgxpool.Pool, l Limits, change ...func(*Watch)) *Watch {
	b.Helper()
	w := prepare(pool, b.pace, l, func(e event.Event) {
		if notice, ok := e.(event.Notice); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.notices = append(b.notices, notice.Text)
		}
	})
	w.pollInterval = 20 * time.Millisecond
	for _, f := range change {
		f(w)
	}
	ctx, cancel := context.WithCancel(b.Context())
	w.start(ctx)
	b.Cleanup(func() { cancel(); w.Wait() })
	return w
}

// waitPaused waits until the run is paused with a reason that contains all of the texts.
func (b *env) waitPaused(texts ...string) {
	b.Helper()
	b.waitFor(func(reason string) bool {
		for _, text := range texts {
			if !strings.Contains(reason, text) {
				return false
			}
		}
		return true
	}, strings.Join(texts, ", "))
}

func (b *env) waitResumed() {
	b.Helper()
	b.waitFor(func(reason string) bool { return reason == "" }, "empty")
}

func (b *env) waitFor(is func(string) bool, what string) {
	b.Helper()
	timeout := time.After(testTimeout)
	for {
		reason, changed := b.pace.Paused()
		if is(reason) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			b.Fatalf("the reason is %q, want %s", reason, what)
		}
	}
}
