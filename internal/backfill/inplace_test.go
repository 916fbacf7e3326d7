package backfill

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// heapOnlyPercent returns the share of heap-only updates in percent, once so many updates are counted. A backend reports its
// counts when it has been idle for a second.
func (b *env) heapOnlyPercent(updates int64) int64 {
	b.Helper()
	b.waitCounted("n_tup_upd", updates)
	return b.number("SELECT n_tup_hot_upd * 100 / n_tup_upd FROM pg_stat_user_tables WHERE relname = 't'")
}

// waitCounted waits until the sessions have reported a count.
func (b *env) waitCounted(what string, least int64) {
	b.Helper()
	for range 600 {
		if b.number("SELECT coalesce(sum("+what+"), 0)::int8 FROM pg_stat_user_tables WHERE relname = 't'") >= least {
			return
		}
		b.pool.Reset() // a session that ends reports its counts
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatalf("%s did not reach %d", what, least)
}

// Waves keep most rows where they are. One worker fills the table: its figures are the same in every run, while the figures of two
// depend on how the scheduler interleaves them. The benchmarks measure two workers on large tables.
func TestUpdatesAreHeapOnly(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		b := newEnv(t, c, events(120000))
		table, indexes := b.number("SELECT pg_relation_size('t')"), b.number("SELECT pg_indexes_size('t')")
		w := b.job()
		w.Workers = 1
		result := b.fill(w)
		b.requireFilled()
		if share := b.heapOnlyPercent(120000); share < 80 {
			t.Errorf("%d %% of the updates are heap-only", share)
		}
		if percent := b.number("SELECT pg_relation_size('t')") * 100 / table; percent > 125 {
			t.Errorf("the table grew to %d %%", percent)
		}
		if percent := b.number("SELECT pg_indexes_size('t')") * 100 / indexes; percent > 135 {
			t.Errorf("the indexes grew to %d %%", percent)
		}
		if result.Choice.Waves < 2 {
			t.Errorf("the choice is %+v", result.Choice)
		}
	})
}

// A batch of a few pages does not read the whole table, even if the table was never analyzed.
func TestScansOnlyItsPages(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		b := newEnv(t, c, `CREATE TABLE t (id bigint PRIMARY KEY, text text) WITH (autovacuum_enabled = off);
			INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 40000) g;
			ALTER TABLE t ADD uuid uuid;`)
		b.waitCounted("n_tup_ins", 40000) // and everything else that the session counted when it created the table
		b.exec("SELECT pg_stat_reset()")
		w := b.job()
		result := b.fill(w)
		b.heapOnlyPercent(40000)
		scans := b.number("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 't'")
		b.requireFilled()
		if result.Batches < 16 || scans > 0 {
			t.Errorf("%d batches, %d sequential scans", result.Batches, scans)
		}
	})
}
