package backfill

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// env is a database with one table to fill.
type env struct {
	testing.TB
	pool   *pgxpool.Pool
	server catalog.Server
}

// newEnv creates a database from SQL. The table is public.t, its column uuid, and public.v() returns new values.
func newEnv(t testing.TB, c *server.Cluster, sql string) *env {
	t.Helper()
	db := servertest.Database(t, c)
	pool, err := pgxpool.New(t.Context(), db.URL+"&pool_max_conns=8")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	b := &env{TB: t, pool: pool}
	b.exec("CREATE FUNCTION v() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT gen_random_uuid()'")
	b.exec(sql)
	if b.server, err = inspect.Server(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *env) exec(sql string) {
	b.Helper()
	if _, err := b.pool.Exec(context.WithoutCancel(b.Context()), sql); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

func (b *env) number(sql string) int64 {
	b.Helper()
	var n int64
	if err := b.pool.QueryRow(b.Context(), sql).Scan(&n); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (b *env) text(sql string) string {
	b.Helper()
	var text string
	if err := b.pool.QueryRow(b.Context(), sql).Scan(&text); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
	return text
}

// work inspects the table and returns the work of filling it at full pace.
func (b *env) job() Job {
	b.Helper()
	var table catalog.Table
	err := pg.Read(b.Context(), b.pool, func(tx pg.Tx) error {
		schema, err := inspect.Schema(b.Context(), tx, inspect.Request{
			Schema: "public", Relations: []string{"t"}, Tables: []string{"t"}, Column: "uuid", Function: "v",
		})
		if err == nil {
			table = *schema.Relation("t")
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return Job{Pool: b.pool, Server: b.server, Table: table, Column: "uuid", Writer: Expression("public.v()"), Pace: pace.New(pace.Full, 0)}
}

func (b *env) fill(w Job) Result {
	b.Helper()
	result, err := Run(b.Context(), w)
	if err != nil {
		b.Fatalf("the filling ended with %v", err)
	}
	return result
}

// method returns the method of a job, whose parameters a test changes.
func (j Job) method() *statementMethod { return j.Writer.(Statement).method(NewEngine(j)) }

// fillAll runs it.
func (m *statementMethod) fillAll(ctx context.Context) (Result, error) { return m.run(ctx, m) }

// requireFilled fails the test unless every row has a value of its own.
func (b *env) requireFilled() {
	b.Helper()
	if n := b.number("SELECT count(*) FROM t WHERE uuid IS NULL"); n > 0 {
		b.Errorf("%d rows have no value", n)
	}
	if n := b.number("SELECT count(*) - count(DISTINCT uuid) FROM t WHERE uuid IS NOT NULL"); n > 0 {
		b.Errorf("%d values are duplicates", n)
	}
}

const eventsOf = `CREATE TABLE t (id bigint PRIMARY KEY, kind int NOT NULL, email text NOT NULL, payload jsonb NOT NULL, at timestamptz NOT NULL);
INSERT INTO t SELECT g, g % 100, 'user' || g || '@example.com', jsonb_build_object('n', g, 'agent', 'Mozilla/5.0'), '2024-01-01'::timestamptz + g * interval '1 second'
FROM generate_series(1, %d) g;
CREATE INDEX ON t (kind); CREATE INDEX ON t (email); CREATE INDEX ON t (at);
ANALYZE t;
ALTER TABLE t ADD uuid uuid;`

// events returns a table of some hundred pages, which is enough for waves.
func events(rows int) string { return fmt.Sprintf(strings.ReplaceAll(eventsOf, "g % ", "g %% "), rows) }

func TestFillsEveryRowOnce(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(50000)+`UPDATE t SET uuid = gen_random_uuid() WHERE id % 50 = 7;`)
		before := b.text("SELECT md5(string_agg(id || uuid::text, ',' ORDER BY id)) FROM t WHERE uuid IS NOT NULL")
		others := b.text("SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM (SELECT id, kind, email, payload, at FROM t) t")
		result := b.fill(b.job())
		b.requireFilled()
		if result.Rows != 49000 {
			t.Errorf("%d rows were filled", result.Rows)
		}
		if got := b.text("SELECT md5(string_agg(id || uuid::text, ',' ORDER BY id)) FROM t WHERE id % 50 = 7"); got != before {
			t.Error("existing values have changed")
		}
		if got := b.text("SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM (SELECT id, kind, email, payload, at FROM t) t"); got != others {
			t.Error("other columns have changed")
		}
		if again := b.fill(b.job()); again.Rows != 0 || again.Batches != 0 {
			t.Errorf("a second run returned %+v", again)
		}
	})
}
