package backfill

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// hot gives the share of the table's updates that were heap-only, in percent. The backends' counts
// come in late: the last when they are idle for a second.
func (b *bed) hot(updates int64) int64 {
	b.Helper()
	b.counted("n_tup_upd", updates)
	return b.number("SELECT n_tup_hot_upd * 100 / n_tup_upd FROM pg_stat_user_tables WHERE relname = 't'")
}

// counted waits until the table's sessions have told of so many.
func (b *bed) counted(what string, least int64) {
	b.Helper()
	for range 600 {
		if b.number("SELECT coalesce(sum("+what+"), 0)::int8 FROM pg_stat_user_tables WHERE relname = 't'") >= least {
			return
		}
		b.pool.Reset() // a session that ends tells what it counted
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatalf("%s never came to %d", what, least)
}

func TestUpdatesInPlace(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c, events(120000))
		table, indexes := b.number("SELECT pg_relation_size('t')"), b.number("SELECT pg_indexes_size('t')")
		result := b.fill(b.work())
		b.whole()
		if share := b.hot(120000); share < 70 {
			t.Errorf("%d %% heap-only", share)
		}
		if grown := b.number("SELECT pg_relation_size('t')") * 100 / table; grown > 135 {
			t.Errorf("the table grew to %d %%", grown)
		}
		if grown := b.number("SELECT pg_indexes_size('t')") * 100 / indexes; grown > 135 {
			t.Errorf("the indexes grew to %d %%", grown)
		}
		if result.Choice.Waves < 2 {
			t.Errorf("chosen: %+v", result.Choice)
		}
	})
}

// A table that was never analyzed, filled in batches of a few pages: no batch may read all of it.
func TestNoSequentialScan(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c, `CREATE TABLE t (id bigint PRIMARY KEY, text text) WITH (autovacuum_enabled = off);
			INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 40000) g;
			ALTER TABLE t ADD uuid uuid;`)
		b.counted("n_tup_ins", 40000) // and whatever else the session counted when it made the table
		b.exec("SELECT pg_stat_reset()")
		w := b.work()
		result := b.fill(w)
		b.hot(40000)
		scans := b.number("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 't'")
		b.whole()
		if result.Batches < 16 || scans > 0 {
			t.Errorf("%d batches, %d sequential scans", result.Batches, scans)
		}
	})
}
