package script_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// createTrees creates a partitioned table with two levels, a parent with a child, and a partitioned table with an
// existing column that differs between its partitions.
func createTrees(t *testing.T, c *server.Cluster) (*database, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.exec(`CREATE SCHEMA "Old Ones";
		CREATE TABLE events (id bigint, at date NOT NULL, region text) PARTITION BY RANGE (at);
		CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
		CREATE TABLE "Old Ones"."{} 2023" PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') PARTITION BY LIST (region);
		CREATE TABLE events_2023_rest PARTITION OF "Old Ones"."{} 2023" DEFAULT;
		INSERT INTO events SELECT n, '2023-06-01'::date + n, 'north' FROM generate_series(1, 400) n;
		CREATE TABLE base (id bigserial PRIMARY KEY); CREATE TABLE child (note text) INHERITS (base);
		INSERT INTO base SELECT FROM generate_series(1, 20); INSERT INTO child (note) SELECT n FROM generate_series(1, 20) n;
		CREATE TABLE given (id bigint, uuid uuid) PARTITION BY HASH (id);
		CREATE TABLE given_0 PARTITION OF given (uuid NOT NULL DEFAULT gen_random_uuid()) FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE given_1 PARTITION OF given FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		INSERT INTO given SELECT n, md5(n::text)::uuid FROM generate_series(1, 50) n; UPDATE given_1 SET uuid = NULL WHERE id % 3 = 0`)
	return h, rekeytest.Setup{Scope: rekey.Schema{Name: "public"}, Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
}

// A script over trees that is interrupted before any of its statements continues when it is run again, up and down, and
// ends like up and down.
func TestPsqlResumesOnTrees(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createTrees(t, c)
		ran, _ := createTrees(t, c)
		cutBothWays(t, h, ran, config)
	})
}

// A script refuses a tree that has changed since, before it changes anything.
func TestScriptRefusesChangedTree(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		refuseChanges(t, func(t *testing.T) (*database, rekeytest.Setup) { return createTrees(t, c) }, map[string]change{
			"a new partition":                                 {"CREATE TABLE more PARTITION OF events DEFAULT", `table public.more is now a partition or child of "public"."events"`},
			"a new partition of a partition":                  {`CREATE TABLE more PARTITION OF "Old Ones"."{} 2023" FOR VALUES IN ('south')`, `table public.more is now a partition or child of "Old Ones"."{} 2023"`},
			"a detached partition":                            {"ALTER TABLE events DETACH PARTITION events_2024", `"public"."events_2024" is no longer a partition or child`},
			"a dropped partition":                             {"DROP TABLE events_2024", `table "public"."events_2024" no longer exists`},
			"a column of a child":                             {"ALTER TABLE child ADD uuid uuid", `"public"."child" now has a column of that name`},
			"a child of a child":                              {"CREATE TABLE more () INHERITS (child)", `table public.more is now a partition or child of "public"."child"`},
			"a partitioned table in place of an ordinary one": {"DROP TABLE child; DROP TABLE base; CREATE TABLE base (id int) PARTITION BY LIST (id); CREATE TABLE child PARTITION OF base DEFAULT", `"public"."base" is not an ordinary table`},
			"an ordinary table in place of a partitioned one": {"DROP TABLE given; CREATE TABLE given (id int, uuid uuid); CREATE TABLE given_0 () INHERITS (given); CREATE TABLE given_1 () INHERITS (given)", `"public"."given" is not a partitioned table`},
			"a dropped column":                                {"ALTER TABLE given DROP uuid", `"public"."given_1" no longer has the column`},
		})
	})
}

// A partition that is added during the script is included if PostgreSQL gives it everything it needs. The script
// reports one that was added before the index at its end, and stops before one with rows that it would have to scan
// under a lock. A newly generated script continues.
func TestPartitionAddedDuringScript(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, one := range map[string]struct{ before, rows, want string }{
			"before the index":    {before: "CREATE UNIQUE INDEX", want: "some tables are incomplete"},
			"after it":            {before: "CREATE UNIQUE INDEX CONCURRENTLY"},
			"after it, with rows": {"CREATE UNIQUE INDEX CONCURRENTLY", "; INSERT INTO more (id, at, uuid) VALUES (1, '2030-01-01', NULL)", "was added during the run and has rows"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, config := createTrees(t, c)
				config = config.With(func(s *rekey.Schema) { s.Tables = []string{"events"} })
				up, _ := migrations(t, h.scriptFiles(config, rekey.ScriptMigrate))
				at := slices.IndexFunc(up, func(sql string) bool { return strings.Contains(sql, one.before) })
				if err := h.execEach(up[:at]); err != nil {
					t.Fatal(err)
				}
				h.exec("CREATE TABLE more PARTITION OF events DEFAULT" + one.rows)
				err := h.execEach(up[at:])
				switch {
				case one.want == "" && err != nil:
					t.Fatal(err)
				case one.want != "":
					if !strings.Contains(serverMessage(err), one.want) {
						t.Fatalf("unexpected error: %v", err)
					}
					up, _ = migrations(t, h.scriptFiles(config, rekey.ScriptMigrate))
					h.execTwice(up)
				}
				h.verifiedWith(config)
			})
		}
	})
}

// A child that is added during the script is reported at its end: it has no index, and the script knows no name for
// one.
func TestChildAddedDuringScript(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createTrees(t, c)
		config = config.With(func(s *rekey.Schema) { s.Tables = []string{"base"} })
		up, _ := migrations(t, h.scriptFiles(config, rekey.ScriptMigrate))
		proof := slices.IndexFunc(up, func(sql string) bool { return strings.Contains(sql, "check that every table is complete") })
		if err := h.execEach(up[:proof]); err != nil {
			t.Fatal(err)
		}
		h.exec("CREATE TABLE late () INHERITS (base)")
		if err := h.execEach(up[proof : proof+1]); serverMessage(err) != "some tables are incomplete" {
			t.Errorf("unexpected error: %v", err)
		}
		up, _ = migrations(t, h.scriptFiles(config, rekey.ScriptMigrate))
		h.execTwice(up)
		h.verifiedWith(config)
	})
}

// A change of a tree does not queue while an older transaction holds a lock on one of its partitions.
func TestPsqlRetriesLockOnPartition(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createTrees(t, c)
		config = config.With(func(s *rekey.Schema) { s.Tables = []string{"events"} })
		release := h.hold("LOCK TABLE events_2023_rest IN ACCESS SHARE MODE")
		w := h.start(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
		for range 3 {
			w.until("an older transaction holds a lock")
			h.exec("SET statement_timeout = '2min'; INSERT INTO events VALUES (1, '2023-01-01', 'x'); RESET statement_timeout")
		}
		release()
		if err := w.wait(); err != nil {
			t.Fatalf("%v\n%s", err, w.output.String())
		}
		h.verifiedWith(config)
	})
}

// A down script stops if an object depends on the column of a single partition, and drops nothing.
func TestDownKeepsDependentsOfPartition(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createTrees(t, c)
		h.mustPsql(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
		config.Direction = rekey.Down
		back := h.scriptFiles(config, rekey.ScriptPsql)[0].Text
		h.exec("CREATE INDEX theirs ON events_2023_rest (uuid)")
		output, err := h.psql(back)
		if err == nil || !strings.Contains(output, "other objects depend on the column: ") || !strings.Contains(output, "index public.theirs") {
			t.Errorf("%v: %s", err, output)
		}
		if got := h.query("SELECT count(uuid) FROM events_2023_rest"); got == "0" {
			t.Error("the values are gone")
		}
		h.exec("DROP INDEX theirs")
		h.mustPsql(back)
	})
}

// createMiddle creates a partitioned table whose uuid is NOT NULL in a partition of the middle level.
func createMiddle(t *testing.T, c *server.Cluster) (*database, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.exec(`CREATE TABLE middle (id bigint, uuid uuid) PARTITION BY RANGE (id);
		CREATE TABLE rest PARTITION OF middle DEFAULT PARTITION BY LIST (id);
		CREATE TABLE rest_0 PARTITION OF rest FOR VALUES IN (0); CREATE TABLE rest_1 PARTITION OF rest FOR VALUES IN (1); ALTER TABLE rest ALTER uuid SET NOT NULL;
		INSERT INTO middle VALUES (1, gen_random_uuid())`)
	return h, rekeytest.Setup{Scope: rekey.Schema{Name: "public"}, Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
}

// changePartitions drops a partition, and adds one with a row.
func (h *database) changePartitions() {
	h.t.Helper()
	h.exec("DROP TABLE rest_0")
	h.exec("CREATE TABLE rest_2 PARTITION OF rest FOR VALUES IN (2)")
	h.exec("INSERT INTO middle VALUES (2)")
}

const requiredQuery = `SELECT string_agg(attrelid::regclass::text, ' ' ORDER BY attrelid::regclass::text) FROM pg_attribute
	WHERE attname = 'uuid' AND attnotnull AND attrelid::regclass::text IN ('middle', 'rest', 'rest_1', 'rest_2')`

// The down script restores the NOT NULL of a partition of the middle level. It scans no partition under a lock that was
// added since the script was made, even if another one was dropped.
func TestPartitionAddedBeforeDown(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createMiddle(t, c)
		ran, _ := createMiddle(t, c)
		h.mustPsql(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
		if _, err := rekeytest.Up(t.Context(), ran.pool, config); err != nil {
			t.Fatal(err)
		}
		ran.changePartitions()
		if _, err := rekeytest.Down(t.Context(), ran.pool, config); err != nil {
			t.Fatal(err)
		}
		config.Direction = rekey.Down
		back, _ := migrations(t, h.scriptFiles(config, rekey.ScriptMigrate))
		allowNull := slices.IndexFunc(back, func(sql string) bool { return strings.Contains(sql, "DROP NOT NULL") })
		if err := h.execEach(back[:allowNull]); err != nil {
			t.Fatal(err)
		}
		h.changePartitions()
		if err := h.execEach(back[allowNull:]); !strings.Contains(serverMessage(err), "rest_2 was added during the run and has rows") {
			t.Fatalf("unexpected error: %v", err)
		}
		newUp, _ := migrations(t, h.scriptFiles(config, rekey.ScriptMigrate))
		h.execTwice(newUp)
		for _, one := range []*database{h, ran} {
			if got := one.query(requiredQuery); got != "rest rest_1 rest_2" {
				t.Errorf("NOT NULL in %s", got)
			}
		}
	})
}
