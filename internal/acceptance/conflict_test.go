package acceptance

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// conflictSQL has a table with a unique key of a user and a role. The clients use 60 keys of the first six users.
const conflictSQL = `CREATE SCHEMA app;
	CREATE TABLE app.users (id bigserial PRIMARY KEY, name text);
	CREATE TABLE app.members (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES app.users, role int NOT NULL, n int NOT NULL DEFAULT 0, UNIQUE (user_id, role));
	INSERT INTO app.users (name) SELECT 'user ' || n FROM generate_series(1, 2000) n;
	INSERT INTO app.members (user_id, role) SELECT 7 + n % 1990, n / 1990 FROM generate_series(0, {n}) n;
	ANALYZE`

// clients are twelve sessions of the application that knows only integers. Each ends at its first error.
type clients struct {
	stop       context.CancelFunc
	all        sync.WaitGroup
	statements atomic.Int64
	violations atomic.Int64 // clients that ended with 23505
	others     chan error   // other errors
}

const conflictClients = 12

func startClients(ctx context.Context, pool *pgxpool.Pool) *clients {
	ctx, stop := context.WithCancel(ctx)
	c := &clients{stop: stop, others: make(chan error, conflictClients)}
	for range conflictClients {
		c.all.Go(func() {
			for ctx.Err() == nil {
				if err := c.next(context.WithoutCancel(ctx), pool); err != nil {
					return
				}
			}
		})
	}
	return c
}

// next runs one statement of a client.
func (c *clients) next(ctx context.Context, pool *pgxpool.Pool) error {
	sql := []string{
		"INSERT INTO app.members (user_id, role) VALUES ($1, $2) ON CONFLICT (user_id, role) DO NOTHING",
		"INSERT INTO app.members (user_id, role) VALUES ($1, $2) ON CONFLICT (user_id, role) DO UPDATE SET n = members.n + 1",
		"DELETE FROM app.members WHERE user_id = $1 AND role = $2",
	}[rand.IntN(3)]
	_, err := pool.Exec(ctx, sql, 1+rand.IntN(6), 100+rand.IntN(10))
	c.statements.Add(1)
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && refusal.Code == pgerrcode.UniqueViolation:
		c.violations.Add(1)
	case err != nil:
		c.others <- err
	}
	return err
}

// wait waits for a condition, but not longer than two minutes.
func (c *clients) wait(holds func() bool) {
	for begun := time.Now(); !holds() && time.Since(begun) < 2*time.Minute; {
		time.Sleep(10 * time.Millisecond)
	}
}

func (c *clients) end(t *testing.T) {
	t.Helper()
	c.stop()
	c.all.Wait()
	close(c.others)
	for err := range c.others {
		t.Errorf("a client ended with %v", err)
	}
}

// Twelve clients insert 60 keys with ON CONFLICT of the integer column, while up works and after it. The twin of their unique
// index ends none of them. The control makes the twin unique, which does.
func TestTwinsEndNoClient(t *testing.T) {
	for _, one := range []struct {
		arbiter rekey.Arbiter
		atLeast time.Duration
	}{{rekey.ArbiterInteger, time.Minute}, {rekey.ArbiterBoth, 6 * time.Second}} {
		t.Run(string(one.arbiter), func(t *testing.T) {
			on(t, func(t *testing.T, c *server.Cluster) {
				pool := servertest.Pool(t, servertest.Database(t, c).URL+"&pool_max_conns=20")
				rows := "1989"
				if long() {
					rows = "19899"
				}
				servertest.Execute(t, pool, strings.Replace(conflictSQL, "{n}", rows, 1))
				setup := rekeytest.Setup{Scope: rekey.Schema{Name: "app"}, Options: rekey.Options{To: rekey.Linked, Arbiter: one.arbiter}}
				both := one.arbiter == rekey.ArbiterBoth
				begun := time.Now()
				running := startClients(t.Context(), pool)
				if _, err := rekeytest.Up(t.Context(), pool, setup); err != nil {
					t.Error(err)
				}
				linked, during := time.Since(begun), running.statements.Load()
				running.wait(func() bool {
					switch {
					case both:
						return running.violations.Load() > 0 && (!long() || time.Since(begun) > linked+one.atLeast)
					case long():
						return time.Since(begun) > max(one.atLeast, linked+15*time.Second)
					default:
						return running.violations.Load() > 0 || running.statements.Load() > during+2000
					}
				})
				running.end(t)
				t.Logf("acceptance 3: PostgreSQL %d, --arbiter %s: %d of %d clients ended with 23505; %d statements in %.0f s, %d of them in the %.1f s of up",
					c.Major, one.arbiter, running.violations.Load(), conflictClients, running.statements.Load(), time.Since(begun).Seconds(), during, linked.Seconds())
				if both != (running.violations.Load() > 0) {
					t.Errorf("%d clients ended with 23505", running.violations.Load())
				}
				proved(t, pool)
			})
		})
	}
}

// proved fails unless both keys of every row agree.
func proved(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var bad int
	err := pool.QueryRow(t.Context(), "SELECT count(*) FROM app.members m LEFT JOIN app.users u ON u.id = m.user_id WHERE m.user_uuid IS DISTINCT FROM u.uuid").Scan(&bad)
	if err != nil || bad > 0 {
		t.Errorf("%d rows have different keys: %v", bad, err)
	}
}
