package journal

import (
	"context"
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("REKEY_TEST_HOLD"); url != "" {
		holdLease(url) // this is the second process of a test
		return
	}
	// Most of these tests wait for time to pass, not for a processor.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	servertest.Main(m)
}

// openPool opens a pool of two connections, the minimum that rekey requires.
func openPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// newJournal creates a database with a journal.
func newJournal(t *testing.T, c *server.Cluster) *pgxpool.Pool {
	t.Helper()
	pool := openPool(t, servertest.Database(t, c).URL)
	must(t, Ensure(t.Context(), pool))
	return pool
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inTx runs work in a transaction that must succeed.
func inTx(t *testing.T, pool *pgxpool.Pool, work func(ctx context.Context, tx pg.Tx) error) {
	t.Helper()
	must(t, pg.Run(t.Context(), pool, shortTx(), func(tx pg.Tx) error { return work(t.Context(), tx) }))
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
}

func queryValue[T any](t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (answer T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	return answer
}

// wantProblem requires that err is a problem of a kind and with a code, and returns it.
func wantProblem(t *testing.T, err error, kind error, code string) *problem.Problem {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) || !errors.Is(err, kind) || p.Code != code {
		t.Fatalf("got %v, want %s (%v)", err, code, kind)
	}
	return p
}
