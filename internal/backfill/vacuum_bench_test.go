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

// soil is a table on which a VACUUM might pay; autovacuum is off, so that nobody else's is measured.
type soil struct {
	name  string
	after []string // run on the fresh table, its column added
}

func soils() []soil {
	return []soil{
		{"usual", nil},
		{"deleted_30_percent", []string{"DELETE FROM t WHERE hashint8(id) & 1023 < 307"}},
		{"updated_30_percent", []string{"UPDATE t SET note = 'another thing' WHERE hashint8(id) & 1023 < 307"}},
		{"index_on_the_column", []string{"CREATE UNIQUE INDEX t_uuid_idx ON t (uuid)"}},
	}
}

const (
	vacuum = "VACUUM (TRUNCATE false) t"
	// sparing gives the space of dead rows back and leaves their index entries and line pointers.
	sparing = "VACUUM (TRUNCATE false, INDEX_CLEANUP false) t"
)

// way is when a VACUUM is run: before the filling, after each part of it, after all of it.
type way struct {
	name, before, between, after string
	engine                       bool // the engine runs it where it thinks that it pays
}

func ways() []way {
	return []way{
		{name: "none"},
		{name: "before", before: vacuum},
		{name: "between_whole", between: vacuum},
		{name: "between_sparing", between: sparing},
		{name: "after", after: vacuum},
		{name: "by_the_engine", engine: true},
	}
}

// parts is how often the filling is interrupted by a VACUUM.
const parts = 8

// BenchmarkVacuum measures whether a VACUUM before, between or after the filling pays; docs/engine.md has the figures:
//
//	REKEY_BENCH_ROWS=500000 REKEY_PG_VERSIONS=15,18 go test ./internal/backfill -run '^$' -bench Vacuum -benchtime 1x
//
// Only the ratios within one run mean anything. The unique index is built at the end, and is part of the
// time, where it is not there from the start.
func BenchmarkVacuum(b *testing.B) {
	for _, major := range servertest.Versions(b) {
		s := stage(b, major)
		for _, on := range soils() {
			b.Run(fmt.Sprintf("pg%d/%s", major, on.name), func(b *testing.B) { s.compare(b, on) })
		}
	}
}

func (s *scene) compare(b *testing.B, on soil) {
	var none figures
	lines := []string{"| VACUUM | wall s | WAL MB | table and indexes MB | HOT % |", "|---|---|---|---|---|"}
	for i, w := range ways() {
		f := s.till(b, on, w)
		if i == 0 {
			none = f
		}
		lines = append(lines, fmt.Sprintf("| %s | %.1f (%.2f) | %.0f (%.2f) | %.0f (%.2f) | %.0f |",
			w.name, f.wall, f.wall/none.wall, f.wal/1e6, f.wal/none.wal, f.size/1e6, f.size/none.size, f.hot*100))
	}
	b.Log("\n" + strings.Join(lines, "\n"))
}

func (s *scene) till(b *testing.B, on soil, w way) figures {
	b.Helper()
	s.exec(b, benchFresh[:len(benchFresh)-2]...)
	s.exec(b, "ALTER TABLE t SET (autovacuum_enabled = off)", "VACUUM ANALYZE t", "ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT "+s.call)
	s.exec(b, on.after...)
	s.exec(b, "ANALYZE t", "CHECKPOINT")
	s.pool.Reset()
	s.exec(b, "SELECT pg_stat_reset()")
	lsn := s.number(b, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
	begun := time.Now()
	s.work(b, w)
	f := figures{wall: time.Since(begun).Seconds()}
	f.wal = s.number(b, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - lsn
	f.size = s.number(b, "SELECT pg_total_relation_size('t')")
	if left := s.number(b, "SELECT count(*) FROM t WHERE uuid IS NULL"); left > 0 {
		b.Fatalf("%.0f rows are not filled", left)
	}
	s.pool.Reset()
	time.Sleep(time.Second) // until the sessions have told what they counted
	f.hot = s.number(b, "SELECT coalesce(n_tup_hot_upd::float8 / nullif(n_tup_upd, 0), 0) FROM pg_stat_user_tables WHERE relname = 't'")
	return f
}

func (s *scene) work(b *testing.B, how way) {
	b.Helper()
	run := func(sql string) {
		if sql != "" {
			s.exec(b, sql)
		}
	}
	run(how.before)
	bed := &bed{TB: b, pool: s.pool, server: s.server, target: s.target}
	w := bed.work()
	w.Workers, w.Pace = 2, pace.New(pace.Full, 0)
	if how.engine {
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
	var beside sync.WaitGroup
	beside.Go(func() { s.interrupt(ctx, b, how.between, done) })
	_, err := Run(b.Context(), w)
	stop()
	beside.Wait()
	if err != nil {
		b.Fatal(err)
	}
	run(how.after)
	s.exec(b, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_uuid_idx ON t (uuid)")
}

// interrupt runs a statement beside the filling whenever another part is done.
func (s *scene) interrupt(ctx context.Context, b *testing.B, sql string, done <-chan int64) {
	part := int64(benchRows(b)) / parts
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
