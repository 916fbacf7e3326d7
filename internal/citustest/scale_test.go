package citustest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// largeTable returns the statements of a distributed table.
func largeTable(shards, rows int) string {
	return fmt.Sprintf(`CREATE SCHEMA app;
SET citus.shard_count = %d;
CREATE TABLE app.large (tenant_id int NOT NULL, id bigserial, payload text, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, id));
SELECT create_distributed_table('app.large', 'tenant_id');
INSERT INTO app.large (tenant_id, payload, created_at) SELECT i %% 5000, repeat('p', 100), '2026-01-01'::timestamptz + i * interval '1 s' FROM generate_series(1, %d) i;
ANALYZE app.large;
CHECKPOINT`, shards, rows)
}

// work is what a server has done.
type work struct {
	transactions, rows int64
}

// coordinatorWork returns what the coordinator has done in the database of the test.
func (c *cluster) coordinatorWork(t *testing.T) work {
	t.Helper()
	conn := connect(t, c.URL)
	defer closeConn(conn)
	var w work
	err := conn.QueryRow(context.Background(), `SELECT xact_commit, tup_inserted + tup_updated + tup_deleted
		FROM pg_stat_database WHERE datname = current_database()`).Scan(&w.transactions, &w.rows)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestCoordinatorWork fills a table and one of ten times as many rows. The coordinator writes rows and commits transactions by the second
// and by the shard, not by the row.
func TestCoordinatorWork(t *testing.T) {
	const perSecond, perShard, once = 100, 20, 2000
	for _, rows := range []int{100_000, 1_000_000} {
		c := newCluster(t, largeTable(8, rows))
		before := c.coordinatorWork(t)
		var filling work
		began, took := time.Now(), time.Duration(0)
		c.up(t, "app", func(e event.Event) {
			if done, ok := e.(event.StepDone); ok && strings.HasSuffix(done.Step, "/fill-column") && took == 0 {
				took, filling = time.Since(began), c.coordinatorWork(t)
			}
		})
		written, transactions := filling.rows-before.rows, filling.transactions-before.transactions
		t.Logf("%d rows: until they were filled, the coordinator wrote %d rows and committed %d transactions", rows, written, transactions)
		if most := int64(perSecond*took.Seconds()) + 8*perShard + once; written > most || transactions > most {
			t.Errorf("%d rows: the coordinator wrote %d rows and committed %d transactions in %s, at most %d were expected", rows, written, transactions, took, most)
		}
	}
}

// TestMemoryOfManyShards fills the same rows in few and in many shards: rekey's memory does not grow with their number.
func TestMemoryOfManyShards(t *testing.T) {
	var peaks []uint64
	for _, shards := range []int{16, 256} {
		c := newCluster(t, largeTable(shards, 200_000))
		runtime.GC()
		peak := peakHeap(t, func() { c.up(t, "app", nil) })
		t.Logf("%d shards: at most %d kB of heap", shards, peak>>10)
		peaks = append(peaks, peak)
	}
	const more = 16 << 20
	if peaks[1] > peaks[0]+more {
		t.Errorf("16 shards: %d kB, 256 shards: %d kB", peaks[0]>>10, peaks[1]>>10)
	}
}

// peakHeap returns the most memory in use after a garbage collection while a function ran.
func peakHeap(t *testing.T, run func()) (peak uint64) {
	t.Helper()
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() {
		for ctx.Err() == nil {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
			time.Sleep(50 * time.Millisecond)
		}
	})
	run()
	cancel()
	all.Wait()
	return peak
}
