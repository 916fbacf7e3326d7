package citustest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// TestConvertedTable converts a distributed table while it is filled. The run skips it, the next one completes it, and no value that was
// read changes.
func TestConvertedTable(t *testing.T) {
	for name, convert := range map[string]string{
		"to another number of shards": "SELECT alter_distributed_table('app.events', shard_count => 6, cascade_to_colocated => false)",
		"to an ordinary table":        "SELECT undistribute_table('app.events')",
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, `CREATE SCHEMA app;
SET citus.shard_count = 4;
CREATE TABLE app.events (tenant_id int NOT NULL, id bigserial, payload text, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, id));
SELECT create_distributed_table('app.events', 'tenant_id');
INSERT INTO app.events (tenant_id, payload, created_at) SELECT 1 + i % 50, repeat('p', 100), now() - i * interval '1 s' FROM generate_series(1, 200000) i;
ANALYZE app.events`)
			read := c.samples(t)
			var begin sync.Once
			var converted sync.WaitGroup
			m := c.migrator(t, "app", rekey.Options{OnEvent: func(e event.Event) {
				if p, ok := e.(event.Progress); ok && p.Done > 0 {
					begin.Do(func() { converted.Go(func() { on(t, c.URL, convert) }) })
				}
			}})
			_, err := m.Up(t.Context())
			converted.Wait()
			t.Logf("the first run: %v", err)
			for i := 0; err != nil && i < 3; i++ {
				_, err = c.migrator(t, "app", rekey.Options{}).Up(context.Background())
			}
			if err != nil {
				t.Fatal(err)
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
