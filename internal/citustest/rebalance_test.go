package citustest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// TestRebalanceDuringBuild starts a rebalance while the build of an index waits for a writer. The rebalance waits for the build; once the writer
// has ended, the build waits for the rebalance: the run cancels it before the cluster ends the rebalance.
func TestRebalanceDuringBuild(t *testing.T) {
	c := newCluster(t, tables)
	unbalance(t, c)
	writer := connect(t, c.URL)
	defer closeConn(writer)
	var begin sync.Once
	var others sync.WaitGroup
	saw := func(e event.Event) {
		if e, ok := e.(event.Executing); ok && strings.HasPrefix(e.SQL, `CREATE UNIQUE INDEX CONCURRENTLY "accounts_uuid_idx"`) {
			begin.Do(func() {
				if _, err := writer.Exec(context.Background(), "BEGIN; SET LOCAL citus.enable_ddl_propagation = off; LOCK TABLE app.accounts IN ROW EXCLUSIVE MODE"); err != nil {
					t.Error(err)
				}
				others.Go(func() { rebalanceBehind(t, c, writer) })
			})
		}
	}
	c.up(t, "app", saw)
	others.Wait()
	report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("verify: %v %q", err, report.Differences)
	}
	if n := query[int](t, c.URL, "SELECT count(DISTINCT groupid) FROM pg_dist_placement p JOIN pg_dist_shard s USING (shardid) WHERE s.logicalrelid = 'app.events'::regclass"); n < 2 {
		t.Error("the shards were not rebalanced")
	}
}

// rebalanceBehind starts a rebalance once the build waits for the writer, and ends the writer once the rebalance waits for the build.
func rebalanceBehind(t *testing.T, c *cluster, writer *pgx.Conn) {
	t.Helper()
	waitUntil(t, c, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE UNIQUE INDEX%' AND wait_event_type = 'Lock')`)
	var rebalance sync.WaitGroup
	rebalance.Go(func() {
		on(t, c.URL, "SELECT rebalance_table_shards('app.events', shard_transfer_mode => 'block_writes')")
	})
	waitUntil(t, c, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'citus_rebalancer%' AND wait_event_type = 'Lock')`)
	if _, err := writer.Exec(context.Background(), "COMMIT"); err != nil {
		t.Error(err)
	}
	rebalance.Wait()
}

// unbalance moves all shards to the other nodes of the cluster's last one.
func unbalance(t *testing.T, c *cluster) {
	t.Helper()
	needTwoWorkers(t, c)
	last := c.Nodes[len(c.Nodes)-1]
	on(t, c.URL, fmt.Sprintf("SELECT citus_drain_node('%s', %d, 'block_writes')", last.Host, last.Port),
		fmt.Sprintf("SELECT citus_set_node_property('%s', %d, 'shouldhaveshards', true)", last.Host, last.Port))
}

// waitUntil waits until a query on the coordinator returns true.
func waitUntil(t *testing.T, c *cluster, sql string) {
	t.Helper()
	conn := connect(t, c.URL)
	defer closeConn(conn)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var done bool
		if err := conn.QueryRow(context.Background(), sql).Scan(&done); err != nil || time.Now().After(deadline) {
			t.Errorf("%s: %v, %t", sql, err, done)
			return
		}
		if done {
			return
		}
	}
}

// TestShardNowhere fills a table one of whose shards is not on the node that the coordinator names, as the node's own metadata say.
func TestShardNowhere(t *testing.T) {
	c := newCluster(t, tables)
	of := "WHERE shardid = (SELECT min(s.shardid) FROM pg_dist_shard s JOIN pg_dist_placement p USING (shardid)" +
		" WHERE s.logicalrelid = 'app.events'::regclass AND p.groupid = (SELECT groupid FROM pg_dist_local_group))"
	worker := c.Nodes[1]
	on(t, worker.URL, "CREATE TABLE public.kept AS SELECT * FROM pg_dist_placement "+of, "DELETE FROM pg_dist_placement "+of)
	var notices int
	limited := rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 2 * time.Second}, OnEvent: func(e event.Event) {
		if n, ok := e.(event.Notice); ok && strings.Contains(n.Text, "has moved away") {
			notices++
		}
	}}
	if _, err := c.migrator(t, "app", limited).Up(t.Context()); code(err) != "shards_not_found" || notices != 1 {
		t.Errorf("up: %v, %d notices", err, notices)
	}
	on(t, worker.URL, "INSERT INTO pg_dist_placement SELECT * FROM public.kept")
	if _, err := c.migrator(t, "app", limited).Up(t.Context()); err != nil {
		t.Errorf("up again: %v", err)
	}
}
