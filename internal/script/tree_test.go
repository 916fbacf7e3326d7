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

// trees is a schema with a partitioned table on two levels, a parent with a child, and a partitioned table whose column was there,
// not alike in its partitions.
func trees(t *testing.T, c *server.Cluster) (*house, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.do(`CREATE SCHEMA "Old Ones";
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

// A script over trees that was ended before any of its statements goes on when it is run again, up and down, and ends as up and
// down do.
func TestPsqlCutAnywhereOverTrees(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := trees(t, c)
		ran, _ := trees(t, c)
		cutBothWays(t, h, ran, config)
	})
}

// A tree that is another one than when the script was made is refused before anything is changed.
func TestScriptRefusesAnotherTree(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, fault := range map[string]struct{ made, says string }{
			"a partition came":            {"CREATE TABLE more PARTITION OF events DEFAULT", `there is a table public.more below "public"."events" now`},
			"one came on a lower level":   {`CREATE TABLE more PARTITION OF "Old Ones"."{} 2023" FOR VALUES IN ('south')`, `there is a table public.more below "Old Ones"."{} 2023" now`},
			"a partition was detached":    {"ALTER TABLE events DETACH PARTITION events_2024", `"public"."events_2024" is below no other table any more`},
			"a partition was dropped":     {"DROP TABLE events_2024", `there is no table "public"."events_2024" any more`},
			"a child has one of its own":  {"ALTER TABLE child ADD uuid uuid", `"public"."child" has a column of that name now`},
			"a child below a child":       {"CREATE TABLE more () INHERITS (child)", `there is a table public.more below "public"."child" now`},
			"an ordinary table's name":    {"DROP TABLE child; DROP TABLE base; CREATE TABLE base (id int) PARTITION BY LIST (id); CREATE TABLE child PARTITION OF base DEFAULT", `"public"."base" is no ordinary table`},
			"a partitioned table's name":  {"DROP TABLE given; CREATE TABLE given (id int, uuid uuid); CREATE TABLE given_0 () INHERITS (given); CREATE TABLE given_1 () INHERITS (given)", `"public"."given" is no partitioned table`},
			"the column of one went away": {"ALTER TABLE given DROP uuid", `"public"."given_1" has no such column any more`},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, config := trees(t, c)
				text := h.written(config, rekey.ScriptPsql)[0].Text
				h.do("SET client_min_messages = warning; " + fault.made + "; RESET client_min_messages")
				before := strings.Join(h.everything(), "\n")
				said, err := h.psql(text)
				if err == nil || !strings.Contains(said, fault.says) {
					t.Errorf("%v: %s", err, said)
				}
				if strings.Join(h.everything(), "\n") != before {
					t.Error("something was changed")
				}
			})
		}
	})
}

// A partition that comes while the script runs is taken in where PostgreSQL gives it all that it needs. One that came before the
// index is told at the end; one with rows that would have to be read under a lock ends the script before. Made anew it goes on.
func TestPartitionsThatComeMeanwhile(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, one := range map[string]struct{ before, rows, says string }{
			"before the index":    {before: "CREATE UNIQUE INDEX", says: "not every table is whole"},
			"after it":            {before: "CREATE UNIQUE INDEX CONCURRENTLY"},
			"after it, with rows": {"CREATE UNIQUE INDEX CONCURRENTLY", "; INSERT INTO more (id, at, uuid) VALUES (1, '2030-01-01', NULL)", "came meanwhile and has rows"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, config := trees(t, c)
				config = config.With(func(s *rekey.Schema) { s.Tables = []string{"events"} })
				up, _ := migrations(t, h.written(config, rekey.ScriptMigrate))
				at := slices.IndexFunc(up, func(sql string) bool { return strings.Contains(sql, one.before) })
				if err := h.each(up[:at]); err != nil {
					t.Fatal(err)
				}
				h.do("CREATE TABLE more PARTITION OF events DEFAULT" + one.rows)
				err := h.each(up[at:])
				switch {
				case one.says == "" && err != nil:
					t.Fatal(err)
				case one.says != "":
					if !strings.Contains(message(err), one.says) {
						t.Fatalf("it ended with %v", err)
					}
					up, _ = migrations(t, h.written(config, rekey.ScriptMigrate))
					h.run(up)
				}
				h.wholeBy(config)
			})
		}
	})
}

// A child of a parent that comes while the script runs is told at the end: it has no index, and no name for one was made.
func TestChildrenThatComeMeanwhile(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := trees(t, c)
		config = config.With(func(s *rekey.Schema) { s.Tables = []string{"base"} })
		up, _ := migrations(t, h.written(config, rekey.ScriptMigrate))
		proof := slices.IndexFunc(up, func(sql string) bool { return strings.Contains(sql, "is every table whole?") })
		if err := h.each(up[:proof]); err != nil {
			t.Fatal(err)
		}
		h.do("CREATE TABLE late () INHERITS (base)")
		if err := h.each(up[proof : proof+1]); message(err) != "not every table is whole" {
			t.Errorf("it ended with %v", err)
		}
		up, _ = migrations(t, h.written(config, rekey.ScriptMigrate))
		h.run(up)
		h.wholeBy(config)
	})
}

// A change of a whole tree does not queue while an older transaction holds one of its partitions.
func TestPsqlComesBackForAPartition(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := trees(t, c)
		config = config.With(func(s *rekey.Schema) { s.Tables = []string{"events"} })
		release := h.hold("LOCK TABLE events_2023_rest IN ACCESS SHARE MODE")
		w := h.start(h.written(config, rekey.ScriptPsql)[0].Text)
		for range 3 {
			w.until("an older transaction holds a lock")
			h.do("SET statement_timeout = '2min'; INSERT INTO events VALUES (1, '2023-01-01', 'x'); RESET statement_timeout")
		}
		release()
		if err := w.end(); err != nil {
			t.Fatalf("%v\n%s", err, w.told.String())
		}
		h.wholeBy(config)
	})
}

// The way back ends where something hangs on the column of a single partition, and drops nothing with it.
func TestScriptKeepsWhatHangsOnAPartition(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := trees(t, c)
		h.mustPsql(h.written(config, rekey.ScriptPsql)[0].Text)
		config.Direction = rekey.Down
		back := h.written(config, rekey.ScriptPsql)[0].Text
		h.do("CREATE INDEX theirs ON events_2023_rest (uuid)")
		said, err := h.psql(back)
		if err == nil || !strings.Contains(said, "something hangs on the column: ") || !strings.Contains(said, "index public.theirs") {
			t.Errorf("%v: %s", err, said)
		}
		if got := h.one("SELECT count(uuid) FROM events_2023_rest"); got == "0" {
			t.Error("the values are gone")
		}
		h.do("DROP INDEX theirs")
		h.mustPsql(back)
	})
}

// middle is a partitioned table whose uuid is NOT NULL in the partition in the middle.
func middle(t *testing.T, c *server.Cluster) (*house, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.do(`CREATE TABLE middle (id bigint, uuid uuid) PARTITION BY RANGE (id);
		CREATE TABLE rest PARTITION OF middle DEFAULT PARTITION BY LIST (id);
		CREATE TABLE rest_0 PARTITION OF rest FOR VALUES IN (0); CREATE TABLE rest_1 PARTITION OF rest FOR VALUES IN (1); ALTER TABLE rest ALTER uuid SET NOT NULL;
		INSERT INTO middle VALUES (1, gen_random_uuid())`)
	return h, rekeytest.Setup{Scope: rekey.Schema{Name: "public"}, Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
}

// more is a partition that comes, with a row, while one goes.
func (h *house) more() {
	h.t.Helper()
	h.do("DROP TABLE rest_0")
	h.do("CREATE TABLE rest_2 PARTITION OF rest FOR VALUES IN (2)")
	h.do("INSERT INTO middle VALUES (2)")
}

const required = `SELECT string_agg(attrelid::regclass::text, ' ' ORDER BY attrelid::regclass::text) FROM pg_attribute
	WHERE attname = 'uuid' AND attnotnull AND attrelid::regclass::text IN ('middle', 'rest', 'rest_1', 'rest_2')`

// The way back gives the NOT NULL of a partition in the middle back, and reads nothing under a lock for one that came below it
// since the script was made, and whatever else has gone.
func TestPartitionsThatComeBeforeTheWayBack(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := middle(t, c)
		ran, _ := middle(t, c)
		h.mustPsql(h.written(config, rekey.ScriptPsql)[0].Text)
		if _, err := rekeytest.Up(t.Context(), ran.pool, config); err != nil {
			t.Fatal(err)
		}
		ran.more()
		if _, err := rekeytest.Down(t.Context(), ran.pool, config); err != nil {
			t.Fatal(err)
		}
		config.Direction = rekey.Down
		back, _ := migrations(t, h.written(config, rekey.ScriptMigrate))
		allows := slices.IndexFunc(back, func(sql string) bool { return strings.Contains(sql, "DROP NOT NULL") })
		if err := h.each(back[:allows]); err != nil {
			t.Fatal(err)
		}
		h.more()
		if err := h.each(back[allows:]); !strings.Contains(message(err), "rest_2 came meanwhile and has rows") {
			t.Fatalf("it ended with %v", err)
		}
		anew, _ := migrations(t, h.written(config, rekey.ScriptMigrate))
		h.run(anew)
		for _, one := range []*house{h, ran} {
			if got := one.one(required); got != "rest rest_1 rest_2" {
				t.Errorf("NOT NULL in %s", got)
			}
		}
	})
}
