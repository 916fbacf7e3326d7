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
		hold(url) // this process is the holder of a test in another one
		return
	}
	// Most of these tests wait for a clock, not for a processor.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	servertest.Main(m)
}

// open is a pool of two connections, the fewest that rekey takes.
func open(t *testing.T, url string) *pgxpool.Pool {
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

// fresh is a database with a journal.
func fresh(t *testing.T, c *server.Cluster) *pgxpool.Pool {
	t.Helper()
	pool := open(t, servertest.Database(t, c).URL)
	must(t, Ensure(t.Context(), pool))
	return pool
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run is one transaction that has to succeed.
func run(t *testing.T, pool *pgxpool.Pool, work func(ctx context.Context, tx pg.Tx) error) {
	t.Helper()
	must(t, pg.Run(t.Context(), pool, brief(), func(tx pg.Tx) error { return work(t.Context(), tx) }))
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
}

func ask[T any](t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (answer T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	return answer
}

// wantProblem expects a problem with a kind and a code, and gives it.
func wantProblem(t *testing.T, err error, kind error, code string) *problem.Problem {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) || !errors.Is(err, kind) || p.Code != code {
		t.Fatalf("got %v, want %s (%v)", err, code, kind)
	}
	return p
}
