package citustest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// crash kills the server of a node and starts it again, by the command in REKEY_CITUS_CRASH, which gets its HOST and PORT.
func crash(t *testing.T, n node) {
	t.Helper()
	cmd := exec.Command("sh", "-c", os.Getenv("REKEY_CITUS_CRASH"))
	cmd.Env = append(os.Environ(), "HOST="+n.Host, "PORT="+strconv.Itoa(n.Port))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the server of node %s:%d was not killed and started again: %v %s", n.Host, n.Port, err, out)
	}
}

// TestCrash kills the server of each node in turn while rows are filled, on the way up, and while columns are dropped, on the way down.
// The same command finishes each time, and the catalogue ends as it began. Values of the last batches before a crash may be lost: they commit
// asynchronously.
func TestCrash(t *testing.T) {
	if os.Getenv("REKEY_CITUS_CRASH") == "" {
		t.Skip("REKEY_CITUS_CRASH is not set: no command that kills the server of a node")
	}
	c := newCluster(t, tables)
	c.manyEvents(t, 30)
	before := c.catalogs(t)
	for _, n := range c.Nodes {
		read := c.samples(t)
		c.untilDone(t, n, func(e event.Event) bool {
			p, ok := e.(event.Progress)
			return ok && p.Table == "app.events" && p.Done > 0
		}, (*rekey.Migrator).Up)
		sampled, changed := read()
		t.Logf("of %d values that were read, %d were of batches that the server had not flushed when it was killed", sampled, changed)
		const few = 100 // in a thousand: batches commit asynchronously, on a cluster as on a single server
		if sampled == 0 || changed*1000 > sampled*few {
			t.Errorf("of %d values that were read, %d have changed", sampled, changed)
		}
		report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
		if err != nil || !report.OK {
			t.Errorf("verify: %v %q", err, report.Differences)
		}
		c.untilDone(t, n, func(e event.Event) bool { s, ok := e.(event.TableStarted); return ok && s.Table == "app.events" }, (*rekey.Migrator).Down)
		for i, text := range c.catalogs(t) {
			if text != before[i] {
				t.Errorf("node %d has after down\n%s\nand had before up\n%s", i, text, before[i])
			}
		}
	}
}

// untilDone runs up or down again until it is done. At the first event that is the one, it kills the server of a node.
func (c *cluster) untilDone(t *testing.T, n node, now func(event.Event) bool, run call) {
	t.Helper()
	var once sync.Once
	var crashing sync.WaitGroup
	saw := func(e event.Event) {
		if now(e) {
			once.Do(func() { crashing.Go(func() { crash(t, n) }) })
		}
	}
	var err error
	for range 20 {
		_, err = run(c.migrator(t, "app", rekey.Options{OnEvent: saw}), t.Context())
		crashing.Wait()
		if err == nil {
			return
		}
		t.Logf("after the crash of node %s:%d: %v", n.Host, n.Port, err)
	}
	t.Fatal(fmt.Errorf("the same call does not finish: %w", err))
}

type call func(*rekey.Migrator, context.Context) (event.Result, error)

// TestPendingTransaction leaves a prepared transaction of the cluster on a node, which holds a lock on a shard: up gives up in time and
// names the node, plan names the transaction and the command, and up succeeds after it.
func TestPendingTransaction(t *testing.T) {
	c := newCluster(t, tables)
	worker := c.Nodes[1]
	shard := query[string](t, c.URL, fmt.Sprintf("SELECT shard_name(s.logicalrelid, s.shardid) FROM pg_dist_shard s JOIN pg_dist_placement p USING (shardid) JOIN pg_dist_node n USING (groupid)"+
		" WHERE s.logicalrelid = 'app.events'::regclass AND n.nodeport = %d ORDER BY 1 LIMIT 1", worker.Port))
	on(t, worker.URL, "SET citus.override_table_visibility = off;\nSET citus.enable_manual_changes_to_shards = on;\nBEGIN;\nLOCK "+shard+" IN ROW EXCLUSIVE MODE;\n"+
		"SELECT txid_current();\nPREPARE TRANSACTION 'citus_0_4711_1_0'")
	defer on(t, c.URL, "SELECT recover_prepared_transactions()")
	_, err := c.migrator(t, "app", rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 6 * time.Second}}).Up(t.Context())
	if refusal(err) != "lock_timeout" || !strings.Contains(fmt.Sprint(problem.All(err)[0].Detail), fmt.Sprintf("node %s:%d", worker.Host, worker.Port)) {
		t.Fatalf("up during the transaction: %v", err)
	}
	p, err := c.migrator(t, "app", rekey.Options{}).Plan(t.Context(), rekey.Up)
	if notes := strings.Join(p.Notes, " "); err != nil || !strings.Contains(notes, "citus_0_4711_1_0") || !strings.Contains(notes, "SELECT recover_prepared_transactions()") {
		t.Errorf("the plan does not name it: %v %q", err, notes)
	}
	on(t, c.URL, "SELECT recover_prepared_transactions()")
	c.up(t, "app", nil)
}
