package steptest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// edgeWrite is what an application writes and what it gets.
type edgeWrite struct {
	sql   string
	want  string // the rows as "id:integer=uuid", or an error as "code constraint"
	since int    // the oldest version that has the statement
}

// result runs statements in a transaction and returns the rows of a table that they leave, or the error. It writes
// the last digit of a uuid in its place.
func (l *lab) result(sql, table, key, uuid string) string {
	l.t.Helper()
	ctx := l.t.Context()
	tx, err := l.app.Begin(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, "SET LOCAL search_path = app; "+sql+"; SET CONSTRAINTS ALL IMMEDIATE")
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.TrimSpace(refused.Code + " " + refused.ConstraintName)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf("SELECT id || ':' || coalesce(%s::text, '-') || '=' || coalesce(right(%s::text, 1), '-') FROM app.%s WHERE id >= 100 ORDER BY id", key, uuid, table))
	if err != nil {
		l.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		l.t.Fatal(err)
	}
	return strings.Join(lines, " ")
}

func (l *lab) check(writes []edgeWrite, table, key, uuid string) {
	l.t.Helper()
	for _, w := range writes {
		if w.since > l.info.Major() {
			continue
		}
		if got := l.result(w.sql, table, key, uuid); got != w.want {
			l.t.Errorf("%s\n got %s\nwant %s", w.sql, got, w.want)
		}
	}
}

const begin = "INSERT INTO c (id, p_id) VALUES (100, 4); "

// What both applications write into a NOT NULL column with an immediate foreign key.
func requiredWrites() []edgeWrite {
	return []edgeWrite{
		{"INSERT INTO c (id, p_id) VALUES (100, 3)", "100:3=3", 0},
		{"INSERT INTO c (id, p_uuid) VALUES (100, u(3))", "100:3=3", 0},
		{"INSERT INTO c (id, p_id, p_uuid) VALUES (100, 3, u(3))", "100:3=3", 0},
		{"INSERT INTO c (id, p_id, p_uuid) VALUES (100, 3, u(4))", "23000", 0},
		{"INSERT INTO c (id, p_id, p_uuid) VALUES (100, 99, u(4))", "23503 c_p_id_fkey", 0},
		{"INSERT INTO c (id, p_id) VALUES (100, 99)", "23503 c_p_id_fkey", 0},
		{"INSERT INTO c (id, p_uuid) VALUES (100, u(99))", "23503 c_p_uuid_fkey", 0},
		{"INSERT INTO c (id) VALUES (100)", "23502", 0},
		{begin + "UPDATE c SET p_id = 5 WHERE id = 100", "100:5=5", 0},
		{begin + "UPDATE c SET p_uuid = u(5) WHERE id = 100", "100:5=5", 0},
		{begin + "UPDATE c SET p_id = 5, p_uuid = u(5) WHERE id = 100", "100:5=5", 0},
		{begin + "UPDATE c SET p_id = 5, p_uuid = u(6) WHERE id = 100", "23000", 0},
		{begin + "UPDATE c SET p_id = 5, p_uuid = u(4) WHERE id = 100", "100:5=5", 0},
		{begin + "UPDATE c SET p_id = 4, p_uuid = u(5) WHERE id = 100", "100:5=5", 0},
		{begin + "UPDATE c SET role = 'x' WHERE id = 100", "100:4=4", 0},
		{begin + "UPDATE c SET p_id = NULL WHERE id = 100", "23502", 0},
		{begin + "UPDATE c SET p_uuid = NULL WHERE id = 100", "23502", 0},
		{begin + "UPDATE c SET p_uuid = u(99) WHERE id = 100", "23503 c_p_uuid_fkey", 0},
		{begin + "INSERT INTO c (id, p_id) VALUES (100, 6) ON CONFLICT (id) DO UPDATE SET p_id = EXCLUDED.p_id", "100:6=6", 0},
		{begin + "INSERT INTO c (id, p_uuid) VALUES (100, u(6)) ON CONFLICT (id) DO UPDATE SET p_uuid = EXCLUDED.p_uuid", "100:6=6", 0},
		{begin + "INSERT INTO c (id, p_uuid) VALUES (100, u(6)) ON CONFLICT (id) DO UPDATE SET p_id = EXCLUDED.p_id", "100:6=6", 0},
		{begin + "MERGE INTO c USING (VALUES (100, 7), (101, 8)) n (id, p) ON c.id = n.id WHEN MATCHED THEN UPDATE SET p_id = n.p WHEN NOT MATCHED THEN INSERT (id, p_id) VALUES (n.id, n.p)", "100:7=7 101:8=8", 15},
		{begin + "MERGE INTO c USING (VALUES (100, u(7)), (101, u(8))) n (id, p) ON c.id = n.id WHEN MATCHED THEN UPDATE SET p_uuid = n.p WHEN NOT MATCHED THEN INSERT (id, p_uuid) VALUES (n.id, n.p)", "100:7=7 101:8=8", 15},
		{"CREATE VIEW v AS SELECT * FROM c; INSERT INTO v (id, p_uuid) VALUES (100, u(3)); UPDATE v SET p_id = 4 WHERE id = 100", "100:4=4", 0},
		{"WITH n AS (INSERT INTO p (id, uuid) VALUES (20, u(8001)) RETURNING id) INSERT INTO c (id, p_id) SELECT 100, id FROM n", "100:20=1", 0},
		{"WITH n AS (INSERT INTO p (id, uuid) VALUES (20, u(8001)) RETURNING uuid) INSERT INTO c (id, p_uuid) SELECT 100, uuid FROM n", "100:20=1", 0},
		{"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.p_id := 9; RETURN NEW; END'; CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f(); " + begin, "100:9=9", 0},
		{"ALTER TABLE c ADD g bigint GENERATED ALWAYS AS (p_id * 10) STORED; INSERT INTO c (id, p_uuid) VALUES (100, u(3)); DELETE FROM c WHERE id = 100 AND g <> 30", "100:3=3", 0},
		{begin + "SET LOCAL session_replication_role = replica; UPDATE c SET p_id = 5 WHERE id = 100", "100:5=4", 0},
		{"SET LOCAL rekey.fill = 'on'; " + begin + "UPDATE c SET p_id = 5 WHERE id = 100", "100:5=5", 0},
		{begin + "DELETE FROM p WHERE id = 4", "", 0},
		{begin + "UPDATE p SET id = 40 WHERE id = 4", "100:40=4", 0},
		{begin + "UPDATE p SET uuid = u(8006) WHERE id = 4", "100:4=6", 0},
		{begin + "UPDATE p SET id = 40, uuid = u(8006) WHERE id = 4", "100:40=6", 0},
	}
}

func TestEdgeWrites(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		l := newLab(t, c, edgeLabs()["required"].sql)
		l.edge("c", "p_id", "p")
		l.mustUp()
		l.check(requiredWrites(), "c", "p_id", "p_uuid")
	})
}

// What both applications write into a nullable column that refers to its own table, with a deferrable foreign key.
func TestEdgeWritesChildFirst(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, immediate := range []string{"", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"} {
			l := newLab(t, c, `CREATE TABLE app.c (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), up_id bigint,
				CONSTRAINT k FOREIGN KEY (up_id) REFERENCES app.c ON DELETE SET NULL `+immediate+`);`)
			l.edge("c", "up_id", "c")
			l.mustUp()
			writes := []edgeWrite{
				{"INSERT INTO c VALUES (100, u(1), 100)", "100:100=1", 0},
				{"INSERT INTO c (id, uuid, up_uuid) VALUES (100, u(1), u(1))", "100:100=1", 0},
				{"INSERT INTO c VALUES (101, u(1), 100), (100, u(2), NULL)", "100:-=- 101:100=2", 0},
				{"INSERT INTO c (id, uuid, up_uuid) VALUES (101, u(1), u(2)), (100, u(2), NULL)", "100:-=- 101:100=2", 0},
				{"WITH a AS (INSERT INTO c VALUES (101, u(1), 100)) INSERT INTO c VALUES (100, u(2))", "100:-=- 101:100=2", 0},
				{"WITH a AS (INSERT INTO c (id, uuid, up_uuid) VALUES (101, u(1), u(2))) INSERT INTO c VALUES (100, u(2))", "100:-=- 101:100=2", 0},
				{"INSERT INTO c VALUES (100, u(1), 101), (101, u(2), 100)", "100:101=2 101:100=1", 0},
				{"INSERT INTO c VALUES (100, u(1), NULL); UPDATE c SET id = 105, up_id = 105", "105:105=1", 0},
				{"INSERT INTO c VALUES (100, u(1), 100); UPDATE c SET up_uuid = NULL", "100:-=-", 0},
				{"INSERT INTO c VALUES (100, u(1), NULL), (101, u(2), 100); DELETE FROM c WHERE id = 100", "101:-=-", 0},
				{"INSERT INTO c VALUES (101, u(1), 99)", "23503 k", 0},
				{"INSERT INTO c (id, uuid, up_uuid) VALUES (101, u(1), u(9))", "23503 c_up_uuid_fkey", 0},
			}
			if immediate != "" {
				writes = append(writes,
					edgeWrite{"SET CONSTRAINTS ALL DEFERRED; INSERT INTO c VALUES (101, u(1), 100); INSERT INTO c VALUES (100, u(2))", "100:-=- 101:100=2", 0},
					edgeWrite{"SET CONSTRAINTS k DEFERRED; INSERT INTO c VALUES (101, u(1), 100); INSERT INTO c VALUES (100, u(2))", "100:-=- 101:100=2", 0},
					edgeWrite{"SET CONSTRAINTS ALL DEFERRED; INSERT INTO c (id, uuid, up_uuid) VALUES (101, u(1), u(2)); INSERT INTO c VALUES (100, u(2))", "100:-=- 101:100=2", 0},
					edgeWrite{"SET CONSTRAINTS ALL DEFERRED; INSERT INTO c (id, uuid, up_uuid) VALUES (101, u(1), u(9)); UPDATE c SET up_uuid = u(1)", "101:101=1", 0},
					edgeWrite{"SET CONSTRAINTS ALL DEFERRED; INSERT INTO c (id, uuid, up_uuid) VALUES (101, u(1), u(9)); DELETE FROM c", "", 0})
			}
			l.check(writes, "c", "up_id", "up_uuid")
		}
	})
}

// A default of the integer column yields to a uuid that is given, and NULL that is given to the default of the other side.
func TestEdgeWritesDefault(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		l := newLab(t, c, edgeLabs()["a default"].sql)
		edgeLabs()["a default"].edges(l)
		l.mustUp()
		l.check([]edgeWrite{
			{"INSERT INTO c (id) VALUES (100)", "100:1=1", 0},
			{"INSERT INTO c (id, p_id) VALUES (100, 1)", "100:1=1", 0},
			{"INSERT INTO c (id, p_id) VALUES (100, 5)", "100:5=5", 0},
			{"INSERT INTO c (id, p_uuid) VALUES (100, u(5))", "100:5=5", 0},
			{"INSERT INTO c (id, p_id, p_uuid) VALUES (100, 5, u(5))", "100:5=5", 0},
			{"INSERT INTO c (id, p_id, p_uuid) VALUES (100, 5, NULL)", "100:5=5", 0},
			{"INSERT INTO c (id, p_id, p_uuid) VALUES (100, NULL, u(5))", "100:5=5", 0},
			{"INSERT INTO c (id, p_id) VALUES (100, NULL)", "100:-=-", 0},
			{"INSERT INTO c (id, p_uuid) VALUES (100, NULL)", "100:-=-", 0},
			{"INSERT INTO c (id, p_id, p_uuid) VALUES (100, 5, u(6))", "23000", 0},
			{"INSERT INTO c (id, p_id) VALUES (100, 5); DELETE FROM p WHERE id = 5", "100:1=1", 0},
			{"INSERT INTO p (id, uuid) VALUES (40000, u(8)) ; INSERT INTO c (id, p_uuid) VALUES (100, u(8))", "23505 p_uuid_key", 0},
			{"INSERT INTO p (id, uuid) VALUES (40000, u(88)) ; INSERT INTO c (id, p_uuid) VALUES (100, u(88))", "22003", 0},
		}, "c", "p_id", "p_uuid")
	})
}

// The other columns of a composite key take part in every look-up.
func TestEdgeWritesComposite(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, match := range []string{"SIMPLE", "FULL"} {
			l := newLab(t, c, `DROP TABLE app.p; CREATE TABLE app.p (t bigint, id bigint, uuid uuid NOT NULL UNIQUE, PRIMARY KEY (t, id));
				INSERT INTO app.p SELECT t, n, app.u(10 * t + n) FROM generate_series(1, 3) t, generate_series(1, 3) n;
				CREATE TABLE app.c (id bigint PRIMARY KEY, t bigint, p_id bigint,
					CONSTRAINT k FOREIGN KEY (t, p_id) REFERENCES app.p (t, id) MATCH `+match+`);
				INSERT INTO app.c SELECT n AS id, n AS t, 2 FROM generate_series(1, 3) n;`)
			l.edge("c", "p_id", "p")
			l.mustUp()
			writes := []edgeWrite{
				{"INSERT INTO c (id, t, p_id) VALUES (100, 2, 3)", "100:3=3", 0},
				{"INSERT INTO c (id, t, p_uuid) VALUES (100, 2, u(23))", "100:3=3", 0},
				{"INSERT INTO c (id, t, p_id, p_uuid) VALUES (100, 2, 3, u(13))", "23000", 0},
				{"INSERT INTO c (id, t, p_id) VALUES (100, 2, 3); UPDATE c SET t = 1 WHERE id = 100; DELETE FROM c WHERE id = 100 AND p_uuid <> u(13)", "100:3=3", 0},
				{"INSERT INTO c (id, t, p_id) VALUES (100, 2, 3); UPDATE c SET t = 1, p_uuid = u(12) WHERE id = 100", "100:2=2", 0},
				{"INSERT INTO c (id, t, p_id) VALUES (100, 2, 9)", "23503 k", 0},
			}
			if match == "SIMPLE" {
				writes = append(writes,
					edgeWrite{"INSERT INTO c (id, t, p_uuid) VALUES (100, 2, u(33))", "23503 c_p_uuid_fkey", 0},
					edgeWrite{"INSERT INTO c (id, p_id) VALUES (100, 3)", "100:3=-", 0},
					edgeWrite{"INSERT INTO c (id, p_id) VALUES (100, 3); UPDATE c SET t = 1 WHERE id = 100", "100:3=3", 0},
					edgeWrite{"INSERT INTO c (id, t, p_id) VALUES (100, 2, 3); UPDATE c SET t = NULL WHERE id = 100", "100:3=-", 0})
			}
			l.check(writes, "c", "p_id", "p_uuid")
		}
	})
}

// Rows move between partitions, and a new partition has the triggers. ENABLE ALWAYS holds for every partition.
func TestEdgeWritesPartitioned(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		l := newLab(t, c, edgeLabs()["partitioned"].sql)
		l.edge("c", "p_id", "p", func(e *step.Edge) { e.Always = true })
		l.mustUp()
		l.check([]edgeWrite{
			{"INSERT INTO c (id, p_uuid) VALUES (100, u(3))", "100:3=3", 0},
			{"INSERT INTO c (id, p_id) VALUES (5555, 4); UPDATE c SET id = 100, p_uuid = u(7) WHERE id = 5555", "100:7=7", 0},
			{"INSERT INTO c (id, p_id) VALUES (-1, 4); UPDATE c SET id = 100, p_id = 7 WHERE id = -1", "100:7=7", 0},
			{"SET LOCAL session_replication_role = replica; INSERT INTO c (id, p_id) VALUES (100, 4); UPDATE c SET p_id = 5 WHERE id = 100", "100:5=5", 0},
			{"CREATE TABLE n PARTITION OF rest FOR VALUES WITH (MODULUS 1, REMAINDER 0)", "42P17", 0},
			{"DROP TABLE rest; CREATE TABLE n PARTITION OF c DEFAULT; INSERT INTO c (id, p_uuid) VALUES (100, u(3))", "100:3=3", 0},
			{"INSERT INTO c (id, p_uuid) VALUES (100, u(99))", "23503 c_p_uuid_fkey", 0},
			{"INSERT INTO c (id, p_id) VALUES (100, 5); DELETE FROM p WHERE id = 5", "23503 c_p_id_fkey", 0},
		}, "c", "p_id", "p_uuid")
	})
}
