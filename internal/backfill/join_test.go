package backfill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// parents is a table with uuids, and syncTrigger the triggers that keep the columns of its children equal.
const (
	parents     = `CREATE TABLE p (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()); INSERT INTO p SELECT generate_series(1, 2000);`
	syncTrigger = `
CREATE SEQUENCE fired;
CREATE FUNCTION sync() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM nextval('public.fired');
	IF TG_OP = 'INSERT' OR NEW.p_id IS DISTINCT FROM OLD.p_id THEN
		NEW.p_uuid := (SELECT uuid FROM public.p WHERE id = NEW.p_id);
	ELSE
		NEW.p_id := (SELECT id FROM public.p WHERE uuid = NEW.p_uuid);
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER "~rekey_p_uuid_i" BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.p_id IS NOT NULL) EXECUTE FUNCTION sync();
CREATE TRIGGER "~rekey_p_uuid_u" BEFORE UPDATE ON t FOR EACH ROW WHEN ((NEW.p_id IS DISTINCT FROM OLD.p_id OR NEW.p_uuid IS DISTINCT FROM OLD.p_uuid)
	AND (OLD.p_uuid IS NOT NULL OR NEW.p_id IS DISTINCT FROM OLD.p_id OR current_setting('rekey.fill', true) IS DISTINCT FROM 'on')) EXECUTE FUNCTION sync();`
)

// children returns parents and a table of children of some hundred pages.
func children(rows int) string {
	return parents + fmt.Sprintf(`CREATE TABLE t (id bigint PRIMARY KEY, p_id bigint, kind int, email text, at timestamptz);
		INSERT INTO t SELECT g, 1 + g %% 2000, g %% 100, 'user' || g || '@example.com', now() FROM generate_series(1, %d) g;
		CREATE INDEX ON t (p_id); CREATE INDEX ON t (email); ANALYZE t; ALTER TABLE t ADD p_uuid uuid;`, rows) + syncTrigger
}

// joinJob is the job of filling p_uuid of the table t from a parent.
func (b *env) joinJob(parent string, keys ...KeyPair) Job {
	b.Helper()
	w := b.job()
	w.Column = "p_uuid"
	w.Writer = Join(Parent{Table: sqltext.Table{Schema: "public", Name: parent}, UUID: "uuid", Keys: append(keys, KeyPair{"p_id", "id"})})
	return w
}

// requireEqual fails the test unless every child has the uuid of its parent.
func (b *env) requireEqual() {
	b.Helper()
	if n := b.number("SELECT count(*) FROM t LEFT JOIN p ON p.id = t.p_id WHERE t.p_uuid IS DISTINCT FROM p.uuid"); n != 0 {
		b.Errorf("%d children have another uuid than their parent", n)
	}
}

func TestJoinFillsFromParents(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, children(50_000)+`
			UPDATE t SET p_id = NULL WHERE id % 50 = 1; UPDATE t SET p_id = 9000 + id % 12 WHERE id % 5000 = 2; UPDATE t SET p_id = p_id + 1 WHERE id % 500 = 3 AND p_id < 2000;`)
		already := b.number("SELECT count(*) FROM t WHERE p_uuid IS NOT NULL")
		fired := b.number("SELECT last_value FROM fired")
		result := b.fill(b.joinJob("p"))
		b.requireEqual()
		if want := 50_000 - already - 1000 - 10; result.Rows != want || result.Orphans != 10 || result.Held != 0 {
			t.Errorf("%+v, want %d rows", result, want)
		}
		if !slices.Contains(result.OrphanKeys, "9002") || len(result.OrphanKeys) > 10 {
			t.Errorf("orphans: %q", result.OrphanKeys)
		}
		if result.Choice.Waves < 8 || result.InPlace < 0.6 {
			t.Errorf("%d waves, %.2f in place", result.Choice.Waves, result.InPlace)
		}
		if n := b.number("SELECT last_value FROM fired"); n != fired {
			t.Errorf("the triggers looked up %d rows that the filling wrote", n-fired)
		}
		if again := b.fill(b.joinJob("p")); again.Rows != 0 || again.Batches != 0 || again.Orphans != 10 || again.Passes != 1 {
			t.Errorf("a second run returned %+v", again)
		}
	})
}

func TestJoinOfEveryShape(t *testing.T) {
	const small = parents + "CREATE TABLE t (id int PRIMARY KEY, p_id int); INSERT INTO t SELECT g, 1 + g %% 1990 FROM generate_series(1, %d) g;"
	for name, one := range map[string]struct {
		sql     string
		parent  string
		keys    []KeyPair
		orphans int64
		wrong   string // counts rows with a wrong value
	}{
		"a few rows":                   {sql: fmt.Sprintf(small, 300) + "INSERT INTO t VALUES (1001, 70000), (1002, NULL)", parent: "p", orphans: 1},
		"no rows":                      {sql: fmt.Sprintf(small, 0), parent: "p"},
		"orphans all":                  {sql: fmt.Sprintf(small, 30000) + "UPDATE t SET p_id = id + 2000", parent: "p", orphans: 30000},
		"orphans of a complete parent": {sql: fmt.Sprintf(small, 30000) + "UPDATE t SET p_id = id + 2000 WHERE id > 100", parent: "p", orphans: 29900},
		"without a primary key": {
			sql: parents + "CREATE TABLE t (id text, p_id int); INSERT INTO t SELECT g::text, 1 + g % 1990 FROM generate_series(1, 30000) g;", parent: "p",
		},
		"itself": {
			sql:    `CREATE TABLE t (id int PRIMARY KEY, uuid uuid DEFAULT gen_random_uuid(), p_id int); INSERT INTO t (id, p_id) SELECT g, nullif(g / 2, 0) FROM generate_series(1, 20000) g;`,
			parent: "t", wrong: "SELECT count(*) FROM t LEFT JOIN t p ON p.id = t.p_id WHERE t.p_uuid IS DISTINCT FROM p.uuid",
		},
		"a key of two columns": {
			sql: `CREATE TABLE p (tenant int, id int, uuid uuid DEFAULT gen_random_uuid(), PRIMARY KEY (tenant, id)); INSERT INTO p SELECT g % 7, g / 7 FROM generate_series(0, 999) g;
				CREATE TABLE t (id int PRIMARY KEY, tenant int, p_id int); INSERT INTO t SELECT g, nullif(g % 7, 6), g / 7 % 142 FROM generate_series(1, 20000) g;`,
			parent: "p", keys: []KeyPair{{"tenant", "tenant"}}, wrong: "SELECT count(*) FROM t LEFT JOIN p ON (p.id, p.tenant) = (t.p_id, t.tenant) WHERE t.p_uuid IS DISTINCT FROM p.uuid",
		},
		"a partitioned parent": {
			sql: `CREATE TABLE p (id int PRIMARY KEY, uuid uuid DEFAULT gen_random_uuid()) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (500); CREATE TABLE p2 PARTITION OF p DEFAULT;
				INSERT INTO p SELECT generate_series(1, 1000); CREATE TABLE t (id int PRIMARY KEY, p_id int); INSERT INTO t SELECT g, 1 + g % 1000 FROM generate_series(1, 20000) g;`,
			parent: "p",
		},
		"a partition": {
			sql: parents + `CREATE TABLE top (id int PRIMARY KEY, p_id int) PARTITION BY RANGE (id); CREATE TABLE t PARTITION OF top FOR VALUES FROM (0) TO (20000); CREATE TABLE rest PARTITION OF top DEFAULT;
				INSERT INTO top SELECT g, 1 + g % 1990 FROM generate_series(1, 20500) g; ALTER TABLE top ADD p_uuid uuid;`,
			parent: "p",
		},
		"a parent without a uuid": {sql: fmt.Sprintf(small, 20000) + "ALTER TABLE p ALTER uuid DROP NOT NULL; UPDATE p SET uuid = NULL WHERE id = 77", parent: "p", orphans: 11},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
				if !strings.Contains(one.sql, "p_uuid") {
					one.sql += "; ALTER TABLE t ADD p_uuid uuid"
				}
				b := newEnv(t, c, one.sql)
				b.exec("ANALYZE")
				w := b.joinJob(one.parent, one.keys...)
				if name == "orphans of a complete parent" {
					w.Writer = Join(Parent{Table: sqltext.Table{Schema: "public", Name: "p"}, UUID: "uuid", Keys: []KeyPair{{"p_id", "id"}}, Complete: true})
				}
				result := b.fill(w)
				if result.Orphans != one.orphans {
					t.Errorf("%d orphans: %v", result.Orphans, result.OrphanKeys)
				}
				if one.wrong == "" {
					b.requireEqual()
				} else if n := b.number(one.wrong); n != 0 {
					t.Errorf("%d rows have a wrong value", n)
				}
			})
		})
	}
}

func TestJoinWaitsForHeldRowsAndNotForOrphans(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, children(30_000)+"UPDATE t SET p_id = 5000 WHERE id = 3")
		release := servertest.Hold(b, b.pool, "SELECT FROM t WHERE id = 3 FOR UPDATE")
		if result := b.fill(b.joinJob("p")); result.Held != 0 || result.Orphans != 1 {
			t.Errorf("%+v", result)
		}
		release()
		b.exec("UPDATE t SET p_uuid = NULL WHERE id % 7 = 0")
		b.exec("UPDATE t SET p_id = 1 + id % 100 WHERE p_id IS NULL")
		b.exec("ALTER TABLE t DISABLE TRIGGER USER; UPDATE t SET p_uuid = NULL WHERE id % 7 = 0; ALTER TABLE t ENABLE TRIGGER USER")
		release = servertest.Hold(b, b.pool, "SELECT FROM t WHERE id = 70 FOR UPDATE")
		w := b.joinJob("p")
		w.Emit = func(e event.Event) {
			if p, ok := e.(event.Progress); ok && p.Held > 0 {
				release()
			}
		}
		if result := b.fill(w); result.Held == 0 {
			t.Errorf("%+v", result)
		}
		b.requireEqual()
	})
}

func TestJoinUnderWriters(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, children(30_000)+"ALTER TABLE t ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE CASCADE")
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for i, sql := range []string{
			"UPDATE t SET p_id = 1 + $1::int % 1900 WHERE id = $1::int",
			"UPDATE t SET p_id = NULL WHERE id = $1::int",
			"UPDATE t SET email = email || 'x' WHERE id BETWEEN $1::int AND $1::int + 3",
			"INSERT INTO t (id, p_id) SELECT 100000 + max(id), 1 + $1::int % 1900 FROM t ON CONFLICT DO NOTHING",
			"DELETE FROM p WHERE id = 1950 + $1::int % 50",
			"UPDATE t SET p_uuid = (SELECT uuid FROM p WHERE id = 1 + $1::int % 1900) WHERE id = $1::int",
		} {
			group.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), 2))
				for ctx.Err() == nil {
					if _, err := b.pool.Exec(ctx, sql, pgx.QueryExecModeExec, 1+r.IntN(30_000)); err != nil && ctx.Err() == nil && !strings.Contains(err.Error(), "foreign key") {
						t.Errorf("%s: %v", sql, err)
					}
				}
			})
		}
		w := b.joinJob("p")
		w.Workers = 2
		b.fill(w)
		stop()
		group.Wait()
		b.requireEqual()
	})
}
