package run_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// alteredSchema creates the table that is altered.
const alteredSchema = `CREATE SCHEMA app;
	CREATE TABLE app.t (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), note text);
	INSERT INTO app.t (note) SELECT 'n' FROM generate_series(1, 9);
	CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';`

// alteration is a statement that an application may run on its table at any time. It fails where its object does
// not exist.
type alteration struct {
	name string
	sql  string // several statements run in one transaction, all or none
	// table is the name that the application's statements use afterwards; "" is app.t, "-" is no table.
	table string
	// losesValues is true if new rows get no value or equal ones.
	losesValues bool
}

func alterations() []alteration {
	return []alteration{
		{name: "drop the default", sql: "ALTER TABLE app.t ALTER uuid DROP DEFAULT", losesValues: true},
		{name: "another default", sql: "ALTER TABLE app.t ALTER uuid SET DEFAULT gen_random_uuid()"},
		{name: "a constant default", sql: "ALTER TABLE app.t ALTER uuid SET DEFAULT '01890000-0000-7000-8000-000000000000'", losesValues: true},
		{name: "drop the column", sql: "ALTER TABLE app.t DROP uuid"},
		{name: "rename the column", sql: "ALTER TABLE app.t RENAME uuid TO guid"},
		{name: "another column of its name", sql: "ALTER TABLE app.t DROP uuid; ALTER TABLE app.t ADD uuid text"},
		{name: "another type", sql: "ALTER TABLE app.t ALTER uuid DROP DEFAULT, ALTER uuid TYPE text", losesValues: true},
		{name: "drop the index", sql: "DROP INDEX app.t_uuid_idx"},
		{name: "rename the index", sql: "ALTER INDEX app.t_uuid_idx RENAME TO mine"},
		{name: "another index of its name", sql: "DROP INDEX IF EXISTS app.t_uuid_idx; CREATE INDEX t_uuid_idx ON app.t (note)"},
		{name: "drop the proof", sql: "ALTER TABLE app.t DROP CONSTRAINT rekey_uuid_not_null"},
		{name: "another proof of its name", sql: "ALTER TABLE app.t DROP CONSTRAINT IF EXISTS rekey_uuid_not_null; ALTER TABLE app.t ADD CONSTRAINT rekey_uuid_not_null CHECK (id > 0)"},
		{name: "allow NULL", sql: "ALTER TABLE app.t ALTER uuid DROP NOT NULL"},
		{name: "rename the table", sql: "ALTER TABLE app.t RENAME TO t2", table: "app.t2"},
		{name: "move the table", sql: "ALTER TABLE app.t SET SCHEMA other", table: "other.t"},
		{name: "rename the schema", sql: "ALTER SCHEMA app RENAME TO app2", table: "app2.t"},
		{name: "swap the table", sql: "ALTER TABLE app.t RENAME TO t_old; CREATE TABLE app.t (LIKE app.t_old INCLUDING ALL); INSERT INTO app.t (note) SELECT 'n' FROM app.t_old"},
		{name: "drop the table", sql: "DROP TABLE app.t", table: "-"},
		{name: "drop and make the table", sql: "DROP TABLE app.t; CREATE TABLE app.t (id bigserial PRIMARY KEY, note text)"},
		{name: "drop the key", sql: "ALTER TABLE app.t DROP CONSTRAINT t_pkey"},
		{name: "another type of the time", sql: "ALTER TABLE app.t ALTER created_at TYPE date"},
		{name: "drop the time", sql: "ALTER TABLE app.t DROP created_at"},
		{name: "turn row security on", sql: "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY"},
		{name: "add a trigger", sql: "CREATE TRIGGER touch BEFORE UPDATE ON app.t FOR EACH ROW EXECUTE FUNCTION app.touch()"},
		{name: "make it UNLOGGED", sql: "ALTER TABLE app.t SET UNLOGGED"},
		{name: "add a child", sql: "CREATE TABLE app.child () INHERITS (app.t)"},
	}
}

// TestAlterationBeforeEachAction alters the table before each action of a run in turn. The application's own
// statements must succeed, and the run must end with a complete table or name the one that is not.
func TestAlterationBeforeEachAction(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for _, direction := range []plan.Direction{plan.Up, plan.Down} {
			for _, a := range alterations() {
				t.Run(fmt.Sprintf("%s/%s", direction, a.name), func(t *testing.T) {
					t.Parallel()
					s := newSchemaRunFrom(t, c, alteredTemplate(t, c, direction), "", nil)
					for n := 0; alterAt(s, direction, a, n); n++ { //nolint:revive // until the run has no further action
					}
				})
			}
		}
	})
}

// migratedSchemas is how many schemas are migrated for the way down: one for each action, and one for none.
const migratedSchemas = 6

// alteredTemplate returns a database with the schemas that are altered. For the way down they have been migrated up.
func alteredTemplate(t *testing.T, c *server.Cluster, direction plan.Direction) string {
	t.Helper()
	return servertest.Template(t, c, "altered "+string(direction), func(url string) error {
		pool, err := pgxpool.New(t.Context(), url)
		if err != nil {
			return err
		}
		defer pool.Close()
		for n := range migratedSchemas {
			schema := fmt.Sprintf("app%d", n)
			if _, err := pool.Exec(t.Context(), strings.ReplaceAll(alteredSchema, "app", schema)+"CREATE SCHEMA "+schema+"x"); err != nil || direction == plan.Up {
				return err // the way up has more actions, and its schemas are made one by one
			}
			job := schemaJob(pool)
			job.Request.Schema = schema
			if _, err := run.Execute(t.Context(), job); err != nil {
				return err
			}
		}
		return nil
	})
}

// errNotAltered ends a run whose table could not be altered: it would be like any other.
var errNotAltered = errors.New("the object to alter does not exist")

// alterAt executes a run and alters the table before its n-th action. It returns false if there is no such action.
func alterAt(s *testRun, direction plan.Direction, a alteration, n int) bool {
	s.t.Helper()
	schema := fmt.Sprintf("app%d", n)
	in := strings.NewReplacer("app2", "moved"+schema, "app", schema, "SET SCHEMA other", "SET SCHEMA "+schema+"x", "other.t", schema+"x.t").Replace
	if s.job.Request.Schema = schema; direction == plan.Up && n > 0 {
		s.exec(in(alteredSchema) + "CREATE SCHEMA " + schema + "x")
	}
	var notices []string
	s.job.Emit = func(e event.Event) {
		if notice, ok := e.(event.Notice); ok {
			notices = append(notices, notice.Table+": "+notice.Text)
		}
	}
	s.job.Request.Direction = direction
	altered, required, at, alter := false, false, 0, a.sql
	s.actions = nil
	s.job.BeforeAction = func(id step.ID, a step.Action) error {
		s.actions = append(s.actions, fmt.Sprintf("%s %T", id, a))
		if at++; at == n+1 {
			required = s.required(schema)
			if _, err := s.pool.Exec(s.t.Context(), in(alter)); err != nil {
				return errNotAltered
			}
			altered = true
		}
		return nil
	}
	result, err := run.Execute(s.t.Context(), s.job)
	if errors.Is(err, errNotAltered) {
		return true
	}
	table := in("app.t")
	if altered && a.table != "" {
		table = in(a.table)
	}
	where := a.name + " after the last action"
	if n < len(s.actions) {
		where = a.name + " before " + strings.Fields(s.actions[n])[0] + ", " + strings.Fields(s.actions[n])[1]
	}
	if table != "-" && !(required && a.losesValues) {
		if _, err := s.pool.Exec(s.t.Context(), "INSERT INTO "+table+" (note) VALUES ('new'); UPDATE "+table+" SET note = 'changed'"); err != nil {
			s.t.Errorf("%s: the application's statements fail: %v", where, err)
		}
	}
	switch {
	case err == nil && altered && !s.reachedGoal(direction, table):
		s.t.Errorf("%s: the run succeeded, but the table is not as expected; notices %q", where, notices)
	case err != nil && (result.Exit != 7 || result.Problems[0].Table == "" && n > 0):
		s.t.Errorf("%s: exit %d, %v", where, result.Exit, err)
	case err != nil && !altered:
		s.t.Errorf("%s: nothing was altered, but the run failed: %v", where, err)
	}
	return len(s.actions) > n
}

// required reports whether NOT NULL is enforced, so that the loss of the default makes the application's own INSERT
// fail.
func (s *testRun) required(schema string) bool {
	s.t.Helper()
	return s.queryText(`SELECT (EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('`+schema+`.t') AND a.attname = 'uuid' AND a.attnotnull)
		OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = to_regclass('`+schema+`.t') AND k.conname = 'rekey_uuid_not_null'))::text`) == "true"
}

// reachedGoal reports whether a table is complete after up, or has nothing of rekey's after down.
func (s *testRun) reachedGoal(direction plan.Direction, table string) bool {
	s.t.Helper()
	if table == "-" {
		return true
	}
	if direction == plan.Down {
		return s.queryText("SELECT count(*)::text FROM pg_attribute WHERE attrelid = '"+table+"'::regclass AND attname = 'uuid' AND atttypid = 'uuid'::regtype AND NOT attisdropped") == "0"
	}
	return s.queryText(`SELECT count(*)::text FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = '`+table+`'::regclass AND a.attname = 'uuid' AND a.attnotnull AND pg_get_expr(d.adbin, d.adrelid) LIKE '%uuid%v7()'
		AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indkey::text = a.attnum::text)
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.conname = 'rekey_uuid_not_null' AND pg_get_expr(k.conbin, k.conrelid) LIKE '%uuid%')`) == "1"
}
