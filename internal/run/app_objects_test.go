package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// appObject is an object that the application creates during a run under a name that rekey uses.
type appObject struct {
	name string
	way  plan.Direction
	sql  string
	// kept counts the application's object. It returns another number than 1 if the run has dropped or altered it.
	kept string
}

func appObjects() []appObject {
	index := appObject{
		name: "index", sql: "DROP INDEX IF EXISTS app.t_uuid_idx; CREATE INDEX t_uuid_idx ON app.t (note)",
		kept: "SELECT count(*) FROM pg_indexes WHERE schemaname = 'app' AND indexdef LIKE '%t_uuid_idx ON app.t USING btree (note)'",
	}
	constraint := appObject{
		name: "constraint",
		sql:  "ALTER TABLE app.t DROP CONSTRAINT IF EXISTS rekey_uuid_not_null; ALTER TABLE app.t ADD CONSTRAINT rekey_uuid_not_null CHECK (id > 0)",
		kept: "SELECT count(*) FROM pg_constraint WHERE conrelid = 'app.t'::regclass AND conname = 'rekey_uuid_not_null'",
	}
	column := appObject{
		name: "column", sql: "ALTER TABLE app.t DROP COLUMN IF EXISTS uuid; ALTER TABLE app.t ADD uuid uuid DEFAULT '01890000-0000-7000-8000-000000000000'",
		kept: "SELECT count(*) FROM pg_attrdef d JOIN pg_attribute a ON d.adrelid = a.attrelid AND d.adnum = a.attnum" +
			" WHERE a.attrelid = 'app.t'::regclass AND a.attname = 'uuid' AND pg_get_expr(d.adbin, d.adrelid) LIKE '''01890000%' AND NOT a.attnotnull",
	}
	renamed := appObject{
		name: "renamed column", sql: "ALTER TABLE app.t RENAME uuid TO guid",
		kept: "SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.t'::regclass AND atttypid = 'uuid'::regtype AND NOT attisdropped",
	}
	bare := appObject{
		name: "table without the column", way: plan.Up, sql: "ALTER TABLE app.t RENAME TO t_old; CREATE TABLE app.t (id bigserial PRIMARY KEY, note text)",
		kept: "SELECT 1 - count(*) FROM pg_attribute WHERE attrelid = 'app.t'::regclass AND attname = 'uuid' AND NOT attisdropped",
	}
	copied := appObject{
		name: "copy of the table", way: plan.Down, sql: "ALTER TABLE app.t RENAME TO t_old; CREATE TABLE app.t (LIKE app.t_old INCLUDING ALL)",
		kept: "SELECT CASE WHEN (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'app.t'::regclass AND attnum > 0 AND NOT attisdropped)" +
			" = (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'app.t_old'::regclass AND attnum > 0 AND NOT attisdropped) THEN 1 ELSE 0 END",
	}
	all := []appObject{bare, copied}
	for _, one := range []appObject{index, constraint, column, renamed} {
		for _, way := range []plan.Direction{plan.Up, plan.Down} {
			one.way = way
			all = append(all, one)
		}
	}
	return all
}

// TestApplicationObjectsAreKept checks that objects which the application creates between an inspection and the
// next action, under names that rekey uses, stay unchanged.
func TestApplicationObjectsAreKept(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for _, one := range appObjects() {
			t.Run(fmt.Sprintf("%s/%s", one.way, one.name), func(t *testing.T) {
				t.Parallel()
				s := newSchemaRun(t, c, "SELECT 1", nil)
				made := 0
				for n, more := 0, true; more; n++ {
					var did bool
					more, did = s.keepsObject(one, n)
					if did {
						made++
					}
				}
				if made == 0 {
					t.Error("the object was created before no action")
				}
			})
		}
	})
}

// keepsObject creates the object before the n-th action, counted from 0. It reports whether there was such an
// action, and whether the object was created.
func (s *testRun) keepsObject(one appObject, n int) (more, made bool) {
	s.t.Helper()
	in := strings.NewReplacer("app", fmt.Sprintf("app%d", n)).Replace
	s.job.Request.Schema = in("app")
	s.exec(in(`CREATE SCHEMA app; CREATE TABLE app.t (id bigserial PRIMARY KEY, note text);
		INSERT INTO app.t (note) SELECT 'n' FROM generate_series(1, 20)`))
	if one.way == plan.Down {
		if _, err := s.migrate(plan.Up); err != nil {
			s.t.Fatal(err)
		}
	}
	s.job.Request.Direction = one.way
	at := 0
	result, err := s.run(" ", func() {
		if at++; at == n+1 {
			_, failed := s.pool.Exec(s.t.Context(), in(one.sql)) // it fails where its table or column does not exist
			made = failed == nil
		}
	})
	if !made {
		return len(s.actions) > n, false
	}
	if got := s.queryText("SELECT (" + in(one.kept) + ")::text"); got != "1" {
		s.t.Errorf("created before %q, the object is not kept: %s", s.actions[n], got)
	}
	if result.Exit != 0 && result.Exit != 7 || err != nil && result.Problems[0].Table == "" {
		s.t.Errorf("created before %q: exit %d, %v", s.actions[n], result.Exit, err)
	}
	return len(s.actions) > n, true
}

// TestDoneTablesAreCheckedAtTheEnd checks that a run names a table that was altered after its steps were done, even
// if the run is stopped before its last table, and a function that was replaced.
func TestDoneTablesAreCheckedAtTheEnd(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		const two = `CREATE SCHEMA app; CREATE TABLE app.a (id bigserial PRIMARY KEY, note text); CREATE TABLE app.b (id bigserial PRIMARY KEY, note text);`
		for _, one := range []struct{ name, before, sql, named string }{
			{"the run is stopped at its last table", "app.b/build-index", "ALTER TABLE app.a ALTER uuid DROP DEFAULT", "app.a"},
			{"the function is replaced", "app.b/build-index", "CREATE OR REPLACE FUNCTION app.uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'", "app.uuid_generate_v7()"},
		} {
			t.Run(one.name, func(t *testing.T) {
				t.Parallel()
				s := newSchemaRun(t, c, two, nil)
				stop := make(chan struct{})
				s.job.Stop = stop
				result, _ := s.run(one.before, func() {
					s.exec(one.sql)
					if one.named == "app.a" {
						close(stop)
					}
				})
				var named []string
				for _, p := range result.Problems {
					named = append(named, p.Table+" "+p.Code)
				}
				if result.Exit == 0 || !slices.Contains(named, one.named+" table_altered") {
					t.Errorf("exit %d, problems %q", result.Exit, named)
				}
			})
		}
	})
}
