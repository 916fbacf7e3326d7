package ordered

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// env is a database with one table to fill: public.t, with the columns id, at and uuid. Its key is id, or as listed in key.
type env struct {
	testing.TB
	pool   *pgxpool.Pool
	server catalog.Server
	zone   string
	key    string
	found  bool // Expectation.Found
}

func newEnv(t testing.TB, c *server.Cluster, sql string, template ...string) *env {
	t.Helper()
	db := servertest.Database(t, c, template...)
	pool, err := pgxpool.New(t.Context(), db.URL+"&pool_max_conns=10")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	b := &env{TB: t, pool: pool, key: "id"}
	if b.server, err = inspect.Server(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	b.exec("CREATE SCHEMA rekey")
	for _, action := range (step.EnsureFunction{Schema: "public"}).Apply(step.View{Server: b.server}) {
		for _, statement := range action.(step.Change).Statements {
			b.exec(statement)
		}
	}
	b.exec(sql)
	return b
}

func (b *env) exec(sql string) {
	b.Helper()
	if _, err := b.pool.Exec(context.WithoutCancel(b.Context()), sql); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

// waitOldTransactions waits until no transaction in the cluster is older than the rows. A transaction of another test makes
// rows look new, and new rows need a second round.
func (b *env) waitOldTransactions() {
	b.Helper()
	const newer = "SELECT count(*) FROM t WHERE xmin::text::bigint >= txid_snapshot_xmin(txid_current_snapshot())"
	for deadline := time.Now().Add(2 * time.Minute); b.number(newer) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatal("a transaction older than the rows does not end")
		}
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

func (b *env) table() catalog.Table {
	b.Helper()
	var table catalog.Table
	err := pg.Read(b.Context(), b.pool, func(tx pg.Tx) error {
		schema, err := inspect.Schema(b.Context(), tx, inspect.Request{
			Schema: "public", Relations: []string{"t"}, Tables: []string{"t"}, Column: "uuid", Function: "uuid_generate_v7",
		})
		if err == nil {
			table = *schema.Relation("t")
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return table
}

// job is a job and its writer.
type job struct {
	backfill.Job
	Values
}

// result is the result of a job and its outcome.
type result struct {
	backfill.Result
	Outcome
}

func run(ctx context.Context, w job) (r result, err error) {
	w.Values.Outcome = &r.Outcome
	w.Writer = w.Values
	r.Result, err = backfill.Run(ctx, w.Job)
	return r, err
}

// method returns the method of a job.
func (w job) method() *method {
	choice, k := explain(w.Server, w.Table, w.Column, w.Time)
	return w.Values.method(backfill.NewEngine(w.Job), choice, k)
}

// job inspects the table and returns the job of filling it in order at full pace.
func (b *env) job() job {
	b.Helper()
	table := b.table()
	requested := order.None
	if table.Column("at") != nil {
		requested = "at"
	}
	column, err := order.Choose(table, requested, "", b.zone)
	if err != nil {
		b.Fatal(err)
	}
	return job{
		Job:    backfill.Job{Pool: b.pool, Server: b.server, Table: table, Column: "uuid", Pace: pace.New(pace.Full, 0)},
		Values: Values{Time: column, Cutoff: b.cutoff()},
	}
}

// cutoff returns the same cutoff in all calls.
func (b *env) cutoff() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 500_000_000, time.UTC) }

func (b *env) fill(w job) result {
	b.Helper()
	result, err := run(b.Context(), w)
	if err != nil {
		b.Fatalf("the filling ended with %v", err)
	}
	return result
}

// requireOrder fails the test unless every row has a value of its own and the values sort by adjusted time and key. It uses
// its own SQL.
func (b *env) requireOrder(at string) {
	b.Helper()
	if n := b.number("SELECT count(*) FROM t WHERE uuid IS NULL"); n > 0 {
		b.Errorf("%d rows have no value", n)
	}
	if n := b.number("SELECT count(*) - count(DISTINCT uuid) FROM t"); n > 0 {
		b.Errorf("%d values are duplicates", n)
	}
	if n := b.number(inversions(at, b.key)); n > 0 {
		b.Errorf("%d pairs are out of order", n)
	}
	if n := b.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'rekey'"); n > 0 {
		b.Errorf("%d of rekey's tables are left", n)
	}
}

func inversions(at, key string) string {
	const cutoff = "'2026-06-01 12:00:00.5'::timestamp"
	return `WITH clamped AS (SELECT ` + key + `, uuid, least(greatest((` + at + `), '1970-01-01'), ` + cutoff + `) AS at, (` + at + `) IS NULL AS none FROM t),
		numbered AS (SELECT *, sum((NOT none)::int) OVER (ORDER BY ` + key + `) AS n FROM clamped),
		carried AS (SELECT ` + key + `, uuid, coalesce(CASE WHEN n > 0 THEN first_value(CASE WHEN none THEN NULL ELSE at END) OVER (PARTITION BY n ORDER BY ` + key + `) END,
			(SELECT at FROM clamped WHERE NOT none ORDER BY ` + key + ` LIMIT 1), ` + cutoff + `) AS at FROM numbered)
		SELECT count(*) FROM (SELECT uuid, lag(uuid) OVER (ORDER BY at, ` + key + `) AS before FROM carried) x WHERE before >= uuid`
}
