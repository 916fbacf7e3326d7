package backfill

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// shapes returns tables of many shapes, without the column to fill.
func shapes() map[string]string {
	return map[string]string{
		"empty":     `CREATE TABLE t (id int PRIMARY KEY)`,
		"one row":   `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)`,
		"few pages": `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 400) g`,
		"sparse": `CREATE TABLE t (id bigint PRIMARY KEY, x text);
			INSERT INTO t SELECT g::int8 * 10000000, repeat('x', 80) FROM generate_series(1, 100000) g`,
		"near the end of bigint": `CREATE TABLE t (id bigint PRIMARY KEY, x text);
			INSERT INTO t SELECT 9223372036854775807 - g, repeat('x', 80) FROM generate_series(0, 24999) g`,
		"both ends of bigint": `CREATE TABLE t (id bigint PRIMARY KEY, x text);
			INSERT INTO t SELECT CASE WHEN g % 2 = 0 THEN 9223372036854775807 - g ELSE -9223372036854775807 - 1 + g - 1 END, repeat('x', 80) FROM generate_series(0, 24999) g`,
		"negative": `CREATE TABLE t (id int PRIMARY KEY, x text);
			INSERT INTO t SELECT -g, repeat('x', 80) FROM generate_series(1, 25000) g`,
		"in no order": `CREATE TABLE t (id int PRIMARY KEY, x text);
			INSERT INTO t SELECT (g * 7919::int8 % 25013)::int, repeat('x', 80) FROM generate_series(1, 25000) g`,
		"smallint": `CREATE TABLE t (id smallint PRIMARY KEY, x text);
			INSERT INTO t SELECT g, repeat('x', 400) FROM generate_series(-32768, 32767) g`,
		"composite key": `CREATE TABLE t (a int, b text, x text, PRIMARY KEY (a, b));
			INSERT INTO t SELECT g % 10, g::text, repeat('x', 80) FROM generate_series(1, 25000) g`,
		"no key": `CREATE TABLE t (x text); INSERT INTO t SELECT repeat('x', 100) FROM generate_series(1, 25000) g`,
		"wide":   `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat(md5(g::text), 50) FROM generate_series(1, 4000) g`,
		"toasted": `CREATE TABLE t (id int PRIMARY KEY, x text); ALTER TABLE t ALTER x SET STORAGE EXTERNAL;
			INSERT INTO t SELECT g, repeat(md5(g::text), 500) FROM generate_series(1, 1000) g`,
		"narrow": `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT g FROM generate_series(1, 70000) g`,
		"fillfactor": `CREATE TABLE t (id int PRIMARY KEY, x text) WITH (fillfactor = 70);
			INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 25000) g`,
		"half gone": `CREATE TABLE t (id int PRIMARY KEY, x text);
			INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 40000) g; DELETE FROM t WHERE id % 2 = 0 OR id > 36000`,
		"names": `CREATE TABLE "a ""name""; --" (id int PRIMARY KEY); ALTER TABLE "a ""name""; --" RENAME TO t;
			ALTER TABLE t RENAME id TO "i ""d"; INSERT INTO t SELECT g FROM generate_series(1, 60000) g`,
		"unlogged": `CREATE UNLOGGED TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 25000) g`,
		"parent": `CREATE TABLE t (id int PRIMARY KEY, x text); CREATE TABLE child () INHERITS (t);
			INSERT INTO t SELECT g, 'x' FROM generate_series(1, 60000) g; INSERT INTO child SELECT g, 'x' FROM generate_series(1, 500) g`,
	}
}

func TestFillsEveryShape(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for name, sql := range shapes() {
			t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				b := newEnv(t, c, sql+"; ANALYZE t; ALTER TABLE t ADD uuid uuid")
				rows := b.number("SELECT count(*) FROM ONLY t")
				result := b.fill(b.job())
				if result.Rows != rows {
					t.Errorf("%d of %d rows were filled: %+v", result.Rows, rows, result)
				}
				if n := b.number("SELECT count(*) FROM ONLY t WHERE uuid IS NULL"); n > 0 {
					t.Errorf("%d rows have no value", n)
				}
				if name == "parent" && b.number("SELECT count(uuid) FROM child") > 0 {
					t.Error("filling the parent filled rows of its child")
				}
				if name == "names" || name == "sparse" {
					t.Logf("%d batches, %+v", result.Batches, result.Choice)
				}
			})
		}
	})
}
