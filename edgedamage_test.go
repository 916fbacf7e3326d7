package rekey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// edgeDamages are alterations of a linked schema. Verify names each. The next up repairs it, or refuses it with a code until
// somebody runs the statements of mend.
func edgeDamages() []edgeDamage {
	const again = `ALTER TABLE app.orders DROP CONSTRAINT orders_user_id_fkey, ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES app.users`
	return []edgeDamage{
		{sql: `ALTER TABLE app.orders DISABLE TRIGGER "~rekey_user_id_u"`},
		{sql: `DROP TRIGGER "~rekey_user_id_i" ON app.orders`},
		{sql: `ALTER TABLE app.orders DISABLE TRIGGER "~rekey_user_id_u"; UPDATE app.orders SET user_id = 7 WHERE id < 4`, code: "edge_rows_differ"},
		{sql: `ALTER TABLE app.comments DISABLE TRIGGER USER; UPDATE app.comments SET parent_id = NULL WHERE id = 1; UPDATE app.comments SET parent_uuid = NULL WHERE id = 2; ALTER TABLE app.comments ENABLE TRIGGER USER`, code: "edge_rows_differ"},
		{sql: `DROP FUNCTION app.rekey_orders_user_id CASCADE`},
		{sql: `ALTER FUNCTION app.rekey_orders_user_id SECURITY INVOKER`},
		{sql: `ALTER FUNCTION app.rekey_orders_user_id STABLE`},
		{sql: `ALTER FUNCTION app.rekey_orders_user_id RESET search_path`},
		{sql: `GRANT EXECUTE ON FUNCTION app.rekey_orders_user_id TO PUBLIC`},
		{sql: `DROP INDEX app.orders_user_uuid_idx`},
		{sql: `ALTER TABLE app.orders DROP CONSTRAINT orders_user_uuid_fkey`},
		{sql: `ALTER TABLE app.orders ALTER user_uuid DROP NOT NULL`},
		{sql: again + ` ON DELETE CASCADE`},
		{sql: again + ` DEFERRABLE; INSERT INTO app.users DEFAULT VALUES`, works: `BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO app.orders (user_id) VALUES (-1); INSERT INTO app.users (id) VALUES (-1); COMMIT`},
		{sql: again},
		{sql: `ALTER TABLE app.orders ALTER user_id DROP NOT NULL`, works: `INSERT INTO app.orders (number) VALUES (-2); DELETE FROM app.orders WHERE number = -2`},
		{sql: `ALTER TABLE app.orders ALTER user_id SET NOT NULL`},
		{sql: `CREATE INDEX late ON app.comments (parent_id, author_id)`},
		{sql: `DROP INDEX app.orders_user_uuid_idx; CREATE INDEX orders_user_uuid_idx ON app.orders (number)`, code: "index_name_taken", mend: `ALTER INDEX app.orders_user_uuid_idx RENAME TO other`},
		{
			sql:  `CREATE TABLE app.guests (id bigint PRIMARY KEY REFERENCES app.users); INSERT INTO app.guests SELECT id FROM app.users; ALTER TABLE app.orders ADD CONSTRAINT a FOREIGN KEY (user_id) REFERENCES app.guests`,
			code: "edge_conflict", mend: `ALTER TABLE app.orders DROP CONSTRAINT a; DROP TABLE app.guests`,
		},
		{
			sql:  `ALTER TABLE app.orders DROP CONSTRAINT orders_user_id_fkey, ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES app.comments NOT VALID`,
			code: "edge_parent_changed", mend: again,
		},
		{sql: `COMMENT ON COLUMN app.orders.user_uuid IS NULL`, code: "edge_mark_lost"},
		{sql: `COMMENT ON COLUMN app.orders.user_uuid IS E'a \\\\ ''b''\n[rekey 2: edge {'`, code: "edge_mark_lost"},
		{sql: `ALTER TABLE app.orders RENAME user_id TO buyer_id`, code: "edge_renamed"},
		{sql: `ALTER TABLE app.orders RENAME TO sales`, code: "edge_renamed", works: `INSERT INTO app.sales (user_id, number) VALUES (2, -3)`},
		{sql: `ALTER TABLE app.sales RENAME TO orders`, code: "edge_renamed", works: `DELETE FROM app.orders WHERE number = -3`},
		{sql: `ALTER TABLE app.users RENAME TO people`, works: `INSERT INTO app.orders (user_id, number) VALUES (2, -4); DELETE FROM app.orders WHERE number = -4`},
		{sql: `ALTER TABLE app.people RENAME TO users`},
		{sql: `ALTER TABLE app.orders RENAME user_uuid TO buyer; INSERT INTO app.orders (user_id, number) VALUES (2, -5)`, works: `DELETE FROM app.orders WHERE number = -5`},
		{sql: `ALTER TABLE app.users RENAME id TO no; INSERT INTO app.orders (user_id, number) VALUES (2, -6)`, works: `DELETE FROM app.orders WHERE number = -6`},
	}
}

// edgeDamage is SQL that changes a linked schema, and SQL that an application must be able to run after the next up. code is
// the problem of up; "" if it repairs. mend is what helps then; "" for the statement of the hint.
type edgeDamage struct{ sql, works, code, mend string }

// TestDamagedEdges alters a linked schema in every way, one after the other.
func TestDamagedEdges(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, linkedSchema)
		migrator := func(to rekey.Phase) *rekey.Migrator {
			m, err := rekey.New(pool, rekey.Schema{Name: "app"}, &rekey.Options{To: to})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		up := func() error { _, err := migrator(rekey.Linked).Up(t.Context()); return err }
		if err := up(); err != nil {
			t.Fatal(err)
		}
		for _, d := range edgeDamages() {
			servertest.Execute(t, pool, d.sql)
			if report, err := migrator("").Verify(t.Context()); !errors.Is(err, problem.ErrDiffers) {
				t.Errorf("%s: verify: %v, %q", d.sql, err, report.Differences)
			}
			err := up()
			if d.code != "" {
				if err == nil || problem.All(err)[0].Code != d.code {
					t.Errorf("%s: up: %v, want %s", d.sql, err, d.code)
					continue
				}
				if d.mend == "" {
					d.mend = statementOf(problem.All(err)[0].Hint)
				}
				servertest.Execute(t, pool, d.mend)
				err = up()
			}
			if err != nil {
				t.Errorf("%s: up: %v", d.sql, err)
			}
			if _, err := migrator("").Verify(t.Context()); err != nil {
				t.Errorf("%s: verify after up: %v", d.sql, err)
			}
			if d.works != "" {
				servertest.Execute(t, pool, d.works)
			}
		}
		if result, err := migrator(rekey.Expanded).Down(t.Context()); err != nil || result.Edges != 3 {
			t.Errorf("%+v %v", result, err)
		}
		var left []string
		if err := pool.QueryRow(t.Context(), `SELECT ARRAY(SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.proname LIKE 'rekey%' UNION ALL
			SELECT attrelid::regclass || '.' || attname FROM pg_attribute WHERE attname LIKE '%\_uuid' AND NOT attisdropped AND attrelid >= 16384)`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	})
}

// statementOf returns the SQL of a hint.
func statementOf(hint string) string {
	_, sql, _ := strings.Cut(hint, ": ")
	sql, _, _ = strings.Cut(sql, " If ")
	if at := strings.LastIndex(sql, ";"); at >= 0 {
		sql = sql[:at]
	}
	return sql
}
