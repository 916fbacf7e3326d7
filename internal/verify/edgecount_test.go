package verify

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// edgeTables has one row of every kind: 1 equal, 2 without a reference, 3 mismatch, 4 orphan, 5 unfilled, 6 uuid only, 7 orphan
// with a uuid.
const edgeTables = `
CREATE TABLE "the parents" (id bigint PRIMARY KEY, tenant int, uuid uuid UNIQUE, UNIQUE (tenant, id));
INSERT INTO "the parents" SELECT n, n % 2, lpad(n::text, 32, '0')::uuid FROM generate_series(1, 9) n;
CREATE TABLE heirs () INHERITS ("the parents");
INSERT INTO heirs VALUES (77, 1, lpad('77', 32, '0')::uuid);
CREATE TABLE children (no int, tenant int, "the id" int, "the uuid" uuid);
INSERT INTO children VALUES
	(1, 1, 1, lpad('1', 32, '0')::uuid), (2, 0, NULL, NULL), (3, 1, 1, lpad('2', 32, '0')::uuid), (4, 1, 77, NULL),
	(5, 1, 3, NULL), (6, 1, NULL, lpad('1', 32, '0')::uuid), (7, 1, 78, lpad('1', 32, '0')::uuid);
CREATE TABLE parts (LIKE children) PARTITION BY LIST (no);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1, 2, 3);
CREATE TABLE part_2 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT * FROM children;
CREATE TABLE pairs (LIKE children);
INSERT INTO pairs SELECT * FROM children;
INSERT INTO pairs VALUES (8, NULL, 1, NULL), (9, 0, 1, lpad('1', 32, '0')::uuid);
CREATE TABLE many (id int, the_uuid uuid);
INSERT INTO many SELECT 1000 + n % 15, NULL FROM generate_series(1, 3000) n;
CREATE TABLE nothing (LIKE children);
`

func countingEdge(table string, columns ...string) step.Edge {
	e := step.Edge{
		Child: sqltext.Table{Schema: "public", Name: table}, Parent: sqltext.Table{Schema: "public", Name: "the parents", Only: true},
		Column: "the id", UUID: "the uuid", Key: "id", ParentUUID: "uuid",
		Reference: catalog.ForeignKey{ChildColumns: []string{"the id"}, ParentColumns: []string{"id"}},
	}
	for _, c := range columns {
		e.Reference.ChildColumns, e.Reference.ParentColumns = append(e.Reference.ChildColumns, c), append(e.Reference.ParentColumns, c)
	}
	return e
}

func TestCountEdge(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		db := servertest.Database(t, c)
		pool, err := pgxpool.New(t.Context(), db.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		if _, err := pool.Exec(t.Context(), edgeTables); err != nil {
			t.Fatal(err)
		}
		var version int
		if err := pool.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
			t.Fatal(err)
		}
		kinds := EdgeReport{Rows: 7, Mismatches: 1, Orphans: 2, OrphanKeys: []string{"77", "78"}, OneSided: 2, UUIDOnly: 1}
		pairs := kinds
		pairs.Rows, pairs.Orphans, pairs.OrphanKeys = 9, 3, []string{"1", "77", "78"}
		many := step.Edge{Child: sqltext.Table{Schema: "public", Name: "many"}, Parent: countingEdge("").Parent, Column: "id", UUID: "the_uuid", Key: "id", ParentUUID: "uuid"}
		var keys []string
		for n := range 10 {
			keys = append(keys, fmt.Sprint(1000+n))
		}
		for name, test := range map[string]struct {
			edge   step.Edge
			tables []string
			want   EdgeReport
		}{
			"every kind":  {countingEdge("children"), []string{"children"}, kinds},
			"partitions":  {countingEdge("parts"), []string{"part_1", "part_2"}, kinds},
			"composite":   {countingEdge("pairs", "tenant"), []string{"pairs"}, pairs},
			"many chunks": {many, []string{"many"}, EdgeReport{Rows: 3000, Orphans: 3000, OrphanKeys: keys}},
			"no rows":     {countingEdge("nothing"), []string{"nothing"}, EdgeReport{}},
		} {
			for _, pages := range []int64{0, 1, chunkPages} {
				if pages > 0 && version < tidRanges*10000 {
					continue
				}
				count := edgeCount{edge: test.edge, pages: pages}
				for _, table := range test.tables {
					if err := count.table(t.Context(), pool, sqltext.Table{Schema: "public", Name: table}); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
				if diff := cmp.Diff(test.want, count.counts); diff != "" {
					t.Errorf("%s, chunks of %d pages: %s", name, pages, diff)
				}
			}
		}
		got, err := countEdge(t.Context(), pool, catalog.Server{Version: version}, countingEdge("children"), tablesOf(countingEdge("children"), &catalog.Table{Schema: "public", Name: "children"}), nil)
		if diff := cmp.Diff(kinds, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	})
}

func TestTablesOfEdge(t *testing.T) {
	e := countingEdge("parts")
	e.Tree = true
	child := &catalog.Table{Schema: "public", Name: "parts", Kind: catalog.Partitioned, Below: []catalog.Table{
		{Schema: "other", Name: "a", Kind: catalog.Ordinary}, {Schema: "public", Name: "sub", Kind: catalog.Partitioned}, {Schema: "public", Name: "far", Kind: catalog.Foreign},
	}}
	want := []*catalog.Table{{Schema: "other", Name: "a", Kind: catalog.Ordinary}}
	if diff := cmp.Diff(want, tablesOf(e, child)); diff != "" {
		t.Error(diff)
	}
}

func TestEdgeDifferences(t *testing.T) {
	e := EdgeReport{Table: "orders", Column: "user_id", UUIDColumn: "user_uuid", Parent: "users"}
	if got := e.differences(); got != nil {
		t.Errorf("%q", got)
	}
	e.Missing, e.Mismatches, e.OneSided, e.Orphans, e.OrphanKeys = []string{"no triggers"}, 1, 2, 3, []string{"7", "8"}
	want := []string{
		"orders.user_id: no triggers",
		"orders.user_id: 1 row whose user_id and user_uuid refer to different rows of users",
		"orders.user_id: 2 rows with a value in only one of user_id and user_uuid",
		"orders.user_id: 3 orphans, which refer to no row of users: 7, 8, …",
	}
	if diff := cmp.Diff(want, e.differences()); diff != "" {
		t.Error(diff)
	}
	e = EdgeReport{Table: "orders", Column: "user_id", Parent: "users", Orphans: 1, OrphanKeys: []string{"7"}}
	if diff := cmp.Diff([]string{"orders.user_id: 1 orphan, which refers to no row of users: 7"}, e.differences()); diff != "" {
		t.Error(diff)
	}
}
