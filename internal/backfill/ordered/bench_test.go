package ordered

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// benchRows returns REKEY_BENCH_ROWS. Default: rows.
func benchRows(b *testing.B, rows int) int {
	b.Helper()
	text := os.Getenv("REKEY_BENCH_ROWS")
	if text == "" {
		return rows
	}
	rows, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return rows
}

// wideTable creates a table of 8 columns, one of them jsonb, with 4 indexes.
func wideTable(at, key string, rows int) []string {
	return []string{
		`CREATE TABLE t (id bigint NOT NULL, kind int NOT NULL, email text NOT NULL, payload jsonb NOT NULL,
			at timestamp NOT NULL, updated_at timestamp, amount numeric, note text` + key + ")",
		fmt.Sprintf(`INSERT INTO t SELECT g, g %% 100, 'user' || g || '@example.com', jsonb_build_object('n', g, 'agent', 'Mozilla/5.0 (X11; Linux x86_64)', 'path', '/products/' || g %% 1000),
			%s, now(), g * 1.5, repeat('n', 20) FROM generate_series(1, %d) g`, at, rows),
		"CREATE INDEX ON t (kind)", "CREATE INDEX ON t (email)", "CREATE INDEX ON t (at)",
		"ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT public.uuid_generate_v7()", "VACUUM ANALYZE t",
	}
}

// BenchmarkAgainstClock fills the same table alternately with the time of the filling and in order, and reports the ratio:
// go test -run - -bench AgainstClock -benchtime 2x -timeout 1h, with REKEY_PG_VERSIONS=18.
func BenchmarkAgainstClock(b *testing.B) {
	for _, major := range servertest.Versions(b) {
		const ascending, byID = "'2024-01-01'::timestamp + g * interval '1.2345 seconds'", ", PRIMARY KEY (id)"
		for name, table := range map[string]struct{ at, key string }{
			"ascending":      {ascending, byID},
			"random":         {"'2024-01-01'::timestamp + random() * interval '1 year'", byID},
			"random_seconds": {"date_trunc('second', '2024-01-01'::timestamp + random() * interval '1 year')", byID},
			"pair":           {ascending, ", PRIMARY KEY (at, id)"},
			"text":           {ascending, ", PRIMARY KEY (email)"},
			"no_key":         {ascending, ""},
		} {
			b.Run(fmt.Sprintf("pg%d/%s", major, name), func(b *testing.B) {
				c := servertest.Cluster(b, major)
				template := servertest.Template(b, c, "wide_"+name, func(url string) error {
					return buildTemplate(b.Context(), url, wideTable(table.at, table.key, benchRows(b, 2_000_000)))
				})
				var clock, ordered float64
				for b.Loop() {
					clock += seconds(newEnv(b, c, "", template), false)
					ordered += seconds(newEnv(b, c, "", template), true)
				}
				b.ReportMetric(ordered/clock, "ordered/clock")
				b.ReportMetric(ordered/float64(b.N), "s/table")
			})
		}
	}
}

func buildTemplate(ctx context.Context, url string, statements []string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, statement := range append([]string{"CREATE FUNCTION uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.gen_random_uuid()'"}, statements...) {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func seconds(b *env, ordered bool) float64 {
	b.exec("CHECKPOINT")
	w := b.job()
	begun := time.Now()
	var err error
	if ordered {
		_, err = run(b.Context(), w)
	} else {
		w.Writer = backfill.Expression(`public.uuid_generate_v7()`)
		_, err = backfill.Run(b.Context(), w.Job)
	}
	if err != nil {
		b.Fatal(err)
	}
	took := time.Since(begun).Seconds()
	b.pool.Close()
	return took
}

// BenchmarkOneInstant fills 5,000,000 rows of one second, interrupted and resumed at random times, under an application that
// inserts, updates, moves in time and deletes rows, and proves their order.
func BenchmarkOneInstant(b *testing.B) {
	for _, major := range servertest.Versions(b) {
		b.Run(fmt.Sprintf("pg%d", major), func(b *testing.B) {
			rows := benchRows(b, 5_000_000)
			interruptions := 0
			for b.Loop() {
				b.StopTimer()
				e := newEnv(b, servertest.Cluster(b, major), fmt.Sprintf("CREATE TABLE t (id bigint PRIMARY KEY, at timestamp(0) NOT NULL"+padColumn+
					"INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, %d) g", rows)+addTrafficColumns+addUUID)
				w, seed := e.job(), rand.Uint64()
				stop := e.traffic(b.Context(), seed, rows)
				b.StartTimer()
				interruptions += e.runInterrupted(w, rand.New(rand.NewPCG(seed, 0)), nil)
				b.StopTimer()
				stop()
				e.fill(w)
				proof := e.prove(w)
				b.Logf("seed %d: %+v", seed, proof)
				e.requireLiveOrder(proof)
				b.StartTimer()
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(interruptions)/float64(b.N), "cuts")
		})
	}
}
