package citustest_test

import (
	"math"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func inspectServer(t *testing.T, pool *pgxpool.Pool) catalog.Server {
	t.Helper()
	server, err := inspect.Server(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	if server.Cluster == nil {
		t.Fatal("no cluster was recognized")
	}
	return server
}

func inspectSchema(t *testing.T, pool *pgxpool.Pool, name string) (schema catalog.Schema) {
	t.Helper()
	err := pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
		schema, err = inspect.Schema(t.Context(), tx, inspect.Request{Schema: name, All: true, Column: "uuid", Sizes: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestClusterIsRecognized(t *testing.T) {
	c := newCluster(t)
	server := inspectServer(t, c.Pool(t))
	found := server.Cluster
	if server.Flavor != "" || !found.OnCoordinator() || !found.Supported() || len(found.Nodes) != len(c.Nodes) || len(server.EventTriggers) != 0 {
		t.Errorf("%+v, event triggers %v", found, server.EventTriggers)
	}
	for i, n := range found.Nodes {
		if n.Host != c.Nodes[i].Host || n.Port != c.Nodes[i].Port || !n.Active || !n.Primary || !n.Synced || n.Fault != "" || n.Library != found.Library || n.Extension != found.Extension {
			t.Errorf("node %d: %+v", i, n)
		}
	}
	if len(found.Moves) != 0 || len(found.Pending) != 0 {
		t.Errorf("moves %v, pending %v", found.Moves, found.Pending)
	}

	worker := inspectServer(t, newPool(t, c.Nodes[1].URL)).Cluster
	if worker.OnCoordinator() || worker.Coordinator() != found.Nodes[0].Address() {
		t.Errorf("on a worker: %+v", worker)
	}
}

func TestTablesOfEachKind(t *testing.T) {
	c := newCluster(t, tables)
	pool := c.Pool(t)
	nodes := len(c.Nodes)
	app, tenant := inspectSchema(t, pool, "app"), inspectSchema(t, pool, "tenant_a")
	for name, want := range map[string]struct {
		kind                    catalog.ShardingKind
		column                  string
		shards, nodes, replicas int
		rows                    float64
	}{
		"accounts":  {catalog.HashDistributed, "tenant_id", 4, nodes - 1, 1, 2000},
		"events":    {catalog.HashDistributed, "tenant_id", 4, nodes - 1, 1, 10000},
		"countries": {catalog.ReferenceTable, "", 1, nodes, nodes, 200},
		"notes":     {catalog.CitusLocal, "", 1, 1, 1, 1000},
		"single":    {catalog.SingleShard, "", 1, 1, 1, 1000},
		"users":     {catalog.SchemaSharded, "", 1, 1, 1, 500},
	} {
		table := app.Relation(name)
		if table == nil {
			table = tenant.Relation(name)
		}
		s := table.Sharding
		if s == nil {
			t.Errorf("%s: no sharding", name)
			continue
		}
		got := catalog.Sharding{Kind: want.kind, Column: want.column, Colocation: s.Colocation, Shards: want.shards, Nodes: want.nodes, Replicas: want.replicas}
		if *s != got {
			t.Errorf("%s: %+v, want %+v", name, *s, got)
		}
		if math.Abs(table.Rows-want.rows) > 0.01*want.rows || table.Bytes < 8192 || table.Pages < 1 {
			t.Errorf("%s: %.0f rows, %d pages, %d bytes, want %.0f rows", name, table.Rows, table.Pages, table.Bytes, want.rows)
		}
	}
	if s := app.Relation("plain").Sharding; s != nil {
		t.Errorf("plain: %+v", s)
	}
	if app.Relation("accounts").Sharding.Colocation != app.Relation("events").Sharding.Colocation {
		t.Error("accounts and events are not colocated")
	}
}

// The statistics of a sharded table add up all its shards, also under a name that must be quoted or that Citus shortens.
func TestSizesAndStatisticsOfShards(t *testing.T) {
	long := strings.Repeat("long_name_", 6) + "xyz"
	c := newCluster(t, `CREATE SCHEMA app`)
	pool := c.Pool(t)
	for _, name := range []string{`Odd "Name"`, long} {
		table := sqltext.Qualified("app", name)
		on(t, c.URL, "SET citus.shard_count = 4", "CREATE TABLE "+table+" (tenant_id int, id bigint, body text, PRIMARY KEY (tenant_id, id))",
			"SELECT create_distributed_table("+sqltext.Literal(table)+", 'tenant_id')",
			"INSERT INTO "+table+" SELECT i % 20, i, repeat('x', 100) FROM generate_series(1, 5000) i", "DELETE FROM "+table+" WHERE id <= 500", "ANALYZE "+table)
	}
	schema := inspectSchema(t, pool, "app")
	for _, name := range []string{`Odd "Name"`, long} {
		table := schema.Relation(name)
		if math.Abs(table.Rows-4500) > 100 || table.Bytes < 500_000 {
			t.Errorf("%s: %.0f rows, %d bytes", name, table.Rows, table.Bytes)
		}
		var found map[uint32]*catalog.Stats
		err := pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
			found, err = inspect.Stats(t.Context(), tx, []uint32{table.OID})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s := found[table.OID]
		if s.Table < table.Bytes || s.NeverCounted || s.FrozenAge == 0 || len(s.Columns) != 3 ||
			len(s.Indexes) != 1 || s.Indexes[0].Index != table.Indexes[0].OID || math.Abs(s.Indexes[0].Rows-4500) > 600 {
			t.Errorf("%s: %+v", name, *s)
		}
	}
}
