package backfill

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// vacuumCase is a table on which a VACUUM may pay. Its autovacuum is off, so that no other VACUUM is measured.
type vacuumCase struct {
	name  string
	after []string // run on the new table with its column
}

func vacuumCases() []vacuumCase {
	return []vacuumCase{
		{"usual", nil},
		{"deleted_30_percent", []string{"DELETE FROM t WHERE hashint8(id) & 1023 < 307"}},
		{"updated_30_percent", []string{"UPDATE t SET note = 'another thing' WHERE hashint8(id) & 1023 < 307"}},
		{"index_on_the_column", []string{"CREATE UNIQUE INDEX t_uuid_idx ON t (uuid)"}},
	}
}

const (
	vacuum = "VACUUM (TRUNCATE false) t"
	// vacuumWithoutIndexes removes dead rows and leaves their index entries and line pointers.
	vacuumWithoutIndexes = "VACUUM (TRUNCATE false, INDEX_CLEANUP false) t"
)

// vacuumTiming says when VACUUM runs: before the filling, after each part of it, or after all of it.
type vacuumTiming struct {
	name, before, between, after string
	engine                       bool // the filling runs it where it is expected to pay
}

func vacuumTimings() []vacuumTiming {
	return []vacuumTiming{
		{name: "none"},
		{name: "before", before: vacuum},
		{name: "between", between: vacuum},
		{name: "between_without_indexes", between: vacuumWithoutIndexes},
		{name: "after", after: vacuum},
		{name: "by_the_filling", engine: true},
	}
}

// benchParts is how often a VACUUM runs during the filling.
const benchParts = 8

// BenchmarkVacuum measures whether a VACUUM before, during or after the filling pays; docs/explanation/engine.md has the figures:
//
//	REKEY_BENCH_ROWS=500000 REKEY_PG_VERSIONS=15,18 go test ./internal/backfill -run '^$' -bench Vacuum -benchtime 1x
//
// Compare only ratios within one run. The time includes building the unique index at the end, unless it exists from the start.
func BenchmarkVacuum(b *testing.B) {
	for _, major := range servertest.Versions(b) {
		s := startBenchServer(b, major)
		for _, c := range vacuumCases() {
			b.Run(fmt.Sprintf("pg%d/%s", major, c.name), func(b *testing.B) { s.compareVacuums(b, c) })
		}
	}
}

func (s *benchServer) compareVacuums(b *testing.B, c vacuumCase) {
	var none figures
	lines := []string{"| VACUUM | wall s | WAL MB | table and indexes MB | HOT % |", "|---|---|---|---|---|"}
	for i, w := range vacuumTimings() {
		f := s.fillOnce(b, c, w)
		if i == 0 {
			none = f
		}
		lines = append(lines, fmt.Sprintf("| %s | %.1f (%.2f) | %.0f (%.2f) | %.0f (%.2f) | %.0f |",
			w.name, f.wall, f.wall/none.wall, f.wal/1e6, f.wal/none.wal, f.size/1e6, f.size/none.size, f.hot*100))
	}
	b.Log("\n" + strings.Join(lines, "\n"))
}

func (s *benchServer) fillOnce(b *testing.B, c vacuumCase, w vacuumTiming) figures {
	b.Helper()
	s.exec(b, benchFresh[:len(benchFresh)-2]...)
	s.exec(b, "ALTER TABLE t SET (autovacuum_enabled = off)", "VACUUM ANALYZE t", "ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT "+s.call)
	s.exec(b, c.after...)
	s.exec(b, "ANALYZE t", "CHECKPOINT")
	s.pool.Reset()
	s.exec(b, "SELECT pg_stat_reset()")
	lsn := s.number(b, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
	begun := time.Now()
	s.fill(b, w)
	f := figures{wall: time.Since(begun).Seconds()}
	f.wal = s.number(b, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - lsn
	f.size = s.number(b, "SELECT pg_total_relation_size('t')")
	if left := s.number(b, "SELECT count(*) FROM t WHERE uuid IS NULL"); left > 0 {
		b.Fatalf("%.0f rows have no value", left)
	}
	s.pool.Reset()
	time.Sleep(time.Second) // until the sessions have reported their counts
	f.hot = s.number(b, "SELECT coalesce(n_tup_hot_upd::float8 / nullif(n_tup_upd, 0), 0) FROM pg_stat_user_tables WHERE relname = 't'")
	return f
}

func (s *benchServer) fill(b *testing.B, timing vacuumTiming) {
	b.Helper()
	run := func(sql string) {
		if sql != "" {
			s.exec(b, sql)
		}
	}
	run(timing.before)
	e := &env{TB: b, pool: s.pool, server: s.server}
	w := e.job()
	w.Writer = Expression(s.call)
	w.Workers, w.Pace = 2, pace.New(pace.Full, 0)
	if timing.engine {
		w.Vacuum = func(ctx context.Context, sql string) error {
			_, err := s.pool.Exec(ctx, sql)
			return err
		}
	}
	done := make(chan int64, 1000)
	w.Emit = func(e event.Event) {
		if p, ok := e.(event.Progress); ok {
			select {
			case done <- p.Done:
			default:
			}
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	var vacuums sync.WaitGroup
	vacuums.Go(func() { s.vacuumBetween(ctx, b, timing.between, done) })
	_, err := Run(b.Context(), w)
	stop()
	vacuums.Wait()
	if err != nil {
		b.Fatal(err)
	}
	run(timing.after)
	s.exec(b, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_uuid_idx ON t (uuid)")
}

// vacuumBetween runs a statement after each part of the filling.
func (s *benchServer) vacuumBetween(ctx context.Context, b *testing.B, sql string, done <-chan int64) {
	part := int64(benchRows(b)) / benchParts
	for next := part; ; {
		select {
		case <-ctx.Done():
			return
		case n := <-done:
			if n < next || sql == "" {
				continue
			}
			next = n + part
			if _, err := s.pool.Exec(context.WithoutCancel(ctx), sql); err != nil {
				b.Errorf("%s: %v", sql, err)
			}
		}
	}
}
