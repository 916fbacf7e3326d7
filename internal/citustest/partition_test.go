package citustest_test

import (
	"testing"

	"github.com/rekey-pg/rekey"
)

// TestPartitions takes a partitioned table that is distributed up and down.
func TestPartitions(t *testing.T) {
	c := newCluster(t, `CREATE SCHEMA app;
SET citus.shard_count = 4;
CREATE TABLE app.metrics (tenant_id int, id bigserial, created_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE app.metrics_1 PARTITION OF app.metrics FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE app.metrics_2 PARTITION OF app.metrics FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT create_distributed_table('app.metrics', 'tenant_id');
CREATE TABLE app.metrics_3 PARTITION OF app.metrics FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO app.metrics (tenant_id, created_at) SELECT i % 10, '2026-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 100000) i;
ANALYZE app.metrics`)
	before := c.catalogs(t)
	result := c.up(t, "app", nil)
	if result.Rows != 100_000 {
		t.Errorf("up filled %d rows", result.Rows)
	}
	report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
	if err != nil || !report.OK || report.Tables[0].Rows != 100_000 {
		t.Errorf("verify: %v %q %+v", err, report.Differences, report.Tables)
	}
	if keys := query[int](t, c.URL, "SELECT count(*) FROM pg_index WHERE indisvalid AND indisunique AND pg_get_indexdef(indexrelid) LIKE '%(uuid, created_at, tenant_id)'"); keys != 4 {
		t.Errorf("%d indexes by (uuid, created_at, tenant_id)", keys)
	}
	if again := c.up(t, "app", nil); !again.NothingToDo {
		t.Error("a second up had something to do")
	}
	if _, err := c.migrator(t, "app", rekey.Options{}).Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, text := range c.catalogs(t) {
		if text != before[i] {
			t.Errorf("node %d has after down\n%s\nand had before up\n%s", i, text, before[i])
		}
	}
}
