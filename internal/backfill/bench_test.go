package backfill

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// benchRows returns REKEY_BENCH_ROWS. Default: two million.
func benchRows(b *testing.B) int {
	text := os.Getenv("REKEY_BENCH_ROWS")
	if text == "" {
		return 2_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

const benchSeed = `CREATE TABLE seed (id bigint NOT NULL, user_id bigint NOT NULL, email text NOT NULL, kind text NOT NULL,
	amount numeric NOT NULL, payload jsonb NOT NULL, inserted_at timestamptz NOT NULL, note text);
INSERT INTO seed SELECT g, g::int8 * 7919 %% 100000, 'user' || g || '@example.com', (array['order','visit','click','view'])[1 + g %% 4],
	(g %% 100000) / 100.0, jsonb_build_object('ip', '10.0.' || g %% 256 || '.' || g %% 251, 'agent', 'Mozilla/5.0', 'n', g),
	'2024-01-01'::timestamptz + g * interval '13 seconds', CASE WHEN g %% 3 = 0 THEN 'a note' ELSE 'nothing in particular' END
FROM generate_series(1, %d) g`

//nolint:gochecknoglobals // a constant that Go cannot write
var benchFresh = []string{
	"DROP TABLE IF EXISTS t", "CREATE TABLE t (LIKE seed)", "INSERT INTO t SELECT * FROM seed", "ALTER TABLE t ADD PRIMARY KEY (id)",
	"CREATE INDEX ON t (user_id)", "CREATE INDEX ON t (email)", "CREATE INDEX ON t (inserted_at)", "VACUUM ANALYZE t", "CHECKPOINT",
}

// benchServer is a durable server with a table to fill.
type benchServer struct {
	pool   *pgxpool.Pool
	server catalog.Server
	call   string
}

func startBenchServer(b *testing.B, major int) *benchServer {
	installation, err := server.Find(b.Context(), major)
	if err != nil {
		b.Fatal(err)
	}
	cluster, err := server.Start(b.Context(), installation, server.Options{Durable: true, Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min",
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cluster.Stop(context.Background()) })
	pool, err := pgxpool.New(b.Context(), cluster.URL("postgres")+"&pool_max_conns=8")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	s := &benchServer{pool: pool, call: sqltext.Format("{}()", sqltext.Table{Schema: "public", Name: step.FunctionName})}
	if s.server, err = inspect.Server(b.Context(), pool); err != nil {
		b.Fatal(err)
	}
	for _, a := range (step.EnsureFunction{Schema: "public"}).Apply(step.View{Server: s.server}) {
		s.exec(b, a.SQL()...)
	}
	s.exec(b, fmt.Sprintf(benchSeed, benchRows(b)), "VACUUM seed")
	return s
}

func (s *benchServer) exec(b *testing.B, statements ...string) {
	b.Helper()
	for _, sql := range statements {
		if _, err := s.pool.Exec(b.Context(), sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
}

func (s *benchServer) number(b *testing.B, sql string) float64 {
	b.Helper()
	var n float64
	if err := s.pool.QueryRow(b.Context(), sql).Scan(&n); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
	return n
}

// figures are the costs of one way to fill the table.
type figures struct{ wall, wal, size, hot float64 }

func (s *benchServer) measure(b *testing.B, fill func(*testing.B)) figures {
	s.exec(b, benchFresh...)
	s.pool.Reset()
	s.exec(b, "SELECT pg_stat_reset()")
	lsn := s.number(b, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
	begun := time.Now()
	fill(b)
	f := figures{wall: time.Since(begun).Seconds()}
	f.wal = s.number(b, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - lsn
	f.size = s.number(b, "SELECT pg_total_relation_size('t')")
	if left := s.number(b, "SELECT count(*) FROM t WHERE uuid IS NULL"); left > 0 {
		b.Fatalf("%.0f rows have no value", left)
	}
	s.pool.Reset()
	time.Sleep(2 * time.Second) // until the sessions have reported their counts
	f.hot = s.number(b, "SELECT coalesce(n_tup_hot_upd::float8 / nullif(n_tup_upd, 0), 0) FROM pg_stat_user_tables WHERE relname = 't'")
	return f
}

func (s *benchServer) waves(b *testing.B, workers int) {
	s.exec(b, "ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT "+s.call)
	e := &env{TB: b, pool: s.pool, server: s.server}
	w := e.job()
	w.Writer = Expression(s.call)
	w.Workers, w.Pace = workers, pace.New(pace.Full, 0)
	begun := time.Now()
	result, err := Run(b.Context(), w)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(begun).Seconds(), "s-filling")
	b.ReportMetric(float64(result.Batches), "batches")
	s.index(b, "CONCURRENTLY")
}

func (s *benchServer) index(b *testing.B, how string) {
	s.exec(b, "CREATE UNIQUE INDEX "+how+" t_uuid_idx ON t (uuid)")
}

// batched fills by key in one pass, as is usual.
func (s *benchServer) batched(b *testing.B) {
	s.exec(b, "ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT "+s.call)
	const size = 10_000
	for from := 1; from <= benchRows(b); from += size {
		tx, err := s.pool.Begin(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		_, err = tx.Exec(b.Context(), "SET LOCAL synchronous_commit = off")
		if err == nil {
			_, err = tx.Exec(b.Context(), "UPDATE t SET uuid = "+s.call+" WHERE id >= $1 AND id < $2 AND uuid IS NULL", from, from+size)
		}
		if err == nil {
			err = tx.Commit(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	s.index(b, "CONCURRENTLY")
}

// offline rewrites the table under an exclusive lock.
func (s *benchServer) offline(b *testing.B) {
	s.exec(b, "ALTER TABLE t ADD uuid uuid DEFAULT "+s.call)
	s.index(b, "")
	s.exec(b, "ALTER TABLE t ALTER uuid SET NOT NULL")
}

// BenchmarkFill compares the ways to add a filled, indexed column to a table. Each starts with a new table:
//
//	go test ./internal/backfill -run '^$' -bench Fill -benchtime 1x
//
// Compare only ratios within one run; the two offline rewrites show its variation.
func BenchmarkFill(b *testing.B) {
	for _, major := range servertest.Versions(b) {
		b.Run(fmt.Sprintf("pg%d", major), func(b *testing.B) {
			s := startBenchServer(b, major)
			all := map[string]figures{}
			for _, fill := range []struct {
				name string
				run  func(*testing.B)
			}{
				{"offline", s.offline},
				{"waves_two_workers", func(b *testing.B) { s.waves(b, 2) }},
				{"waves_one_worker", func(b *testing.B) { s.waves(b, 1) }},
				{"batched", s.batched},
				{"offline_again", s.offline},
			} {
				b.Run(fill.name, func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						f := s.measure(b, fill.run)
						all[fill.name] = f
						b.ReportMetric(f.wall, "s-wall")
						b.ReportMetric(f.wal/1e6, "MB-WAL")
						b.ReportMetric(f.size/1e6, "MB-size")
						b.ReportMetric(f.hot*100, "%-HOT")
						b.StartTimer()
					}
				})
			}
			report(b, all)
		})
	}
}

func report(b *testing.B, all map[string]figures) {
	off, batched := all["offline"], all["batched"]
	if off.wall == 0 || batched.wall == 0 {
		return
	}
	offline := (off.wall + all["offline_again"].wall) / 2
	for _, name := range []string{"waves_two_workers", "waves_one_worker"} {
		f := all[name]
		b.Logf("%s: wall %.2f of offline, %.2f of batched; WAL %.2f of batched; size %.2f of offline; HOT %.0f %%",
			strings.ReplaceAll(name, "_", " "), f.wall/offline, f.wall/batched.wall, f.wal/batched.wal, f.size/off.size, f.hot*100)
	}
}
