package citustest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// TestSplitShards splits shards while they are filled: the numbers of the shards change, no value that was read does, and every row gets
// one.
func TestSplitShards(t *testing.T) {
	for _, mode := range []string{"block_writes"} { // by logical replication Citus's own subscription fails after an UPDATE of the shard, by anyone
		for name, split := range map[string]string{
			"by points": `SELECT citus_split_shard_by_split_points(s.shardid, ARRAY[((s.shardminvalue::int8 + s.shardmaxvalue::int8) / 2)::text],
				ARRAY(SELECT nodeid FROM pg_dist_node WHERE shouldhaveshards AND noderole = 'primary' ORDER BY nodeid LIMIT 2), '%s'::citus.shard_transfer_mode)
				FROM (SELECT * FROM pg_dist_shard WHERE logicalrelid = 'app.events'::regclass ORDER BY shardid OFFSET %[2]d LIMIT 1) s`,
			"by tenant": "SELECT isolate_tenant_to_new_shard('app.events', %[2]d * 7 + 1, 'CASCADE', shard_transfer_mode => '%[1]s')",
		} {
			t.Run(mode+" "+name, func(t *testing.T) {
				c := newCluster(t, tables)
				c.manyEvents(t, 60)
				read, end := c.samples(t), c.traffic(t)
				var begin sync.Once
				var splitting sync.WaitGroup
				done := 0
				saw := func(e event.Event) {
					if p, ok := e.(event.Progress); ok && p.Table == "app.events" && p.Done > 0 {
						begin.Do(func() {
							splitting.Go(func() {
								conn := connect(t, c.URL)
								defer closeConn(conn)
								_, _ = conn.Exec(context.Background(), "SET statement_timeout = '60s'")
								for i := range 3 {
									_, err := conn.Exec(context.Background(), fmt.Sprintf(split, mode, i))
									if err == nil {
										done++
									} else {
										t.Log(err)
									}
								}
							})
						})
					}
				}
				c.up(t, "app", saw)
				splitting.Wait()
				if statements, err := end(); err != nil {
					t.Errorf("of %d statements of the application one failed: %v", statements, err)
				}
				if done == 0 {
					t.Error("no shard was split")
				}
				if sampled, changed := read(); sampled == 0 || changed > 0 {
					t.Errorf("of %d values that were read, %d have changed", sampled, changed)
				}
				report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
				if err != nil || !report.OK {
					t.Errorf("verify: %v %q", err, report.Differences)
				}
			})
		}
	}
}
