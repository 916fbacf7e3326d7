package run_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// contractSchema has references of every kind that contract treats in its own way: unique pairs, a key that is a reference, a composite
// foreign key whose other column ends too, one onto a join table, a partitioned child, and a reference to itself.
const contractSchema = `CREATE SCHEMA app;
	CREATE TABLE app.tenants (id bigserial PRIMARY KEY);
	CREATE TABLE app.users (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES app.tenants, boss_id bigint REFERENCES app.users, UNIQUE (tenant_id, id));
	CREATE TABLE app.profiles (user_id bigint PRIMARY KEY REFERENCES app.users, bio text);
	CREATE TABLE app.members (tenant_id bigint REFERENCES app.tenants, user_id bigint REFERENCES app.users, PRIMARY KEY (tenant_id, user_id));
	CREATE TABLE app.tags (id bigserial PRIMARY KEY, user_id bigint REFERENCES app.users DEFERRABLE, name text, CONSTRAINT once UNIQUE (user_id, name));
	CREATE TABLE app.notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES app.tenants, user_id bigint,
		CONSTRAINT "of user" FOREIGN KEY (tenant_id, user_id) REFERENCES app.users (tenant_id, id));
	CREATE TABLE app.seats (tenant_id bigint REFERENCES app.tenants, user_id bigint REFERENCES app.users, PRIMARY KEY (tenant_id, user_id));
	CREATE TABLE app.badges (id bigserial PRIMARY KEY, tenant bigint, holder bigint, FOREIGN KEY (holder, tenant) REFERENCES app.seats (user_id, tenant_id) ON DELETE CASCADE);
	CREATE TABLE app.events (id bigserial, at date NOT NULL, user_id bigint REFERENCES app.users, PRIMARY KEY (id, at), UNIQUE (user_id, at)) PARTITION BY RANGE (at);
	CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
	CREATE TABLE app.events_2 PARTITION OF app.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
	INSERT INTO app.tenants SELECT FROM generate_series(1, 2); INSERT INTO app.users (tenant_id, boss_id) SELECT 1, nullif(n / 2, 0) FROM generate_series(1, 9) n;
	INSERT INTO app.profiles SELECT n FROM generate_series(1, 5) n; INSERT INTO app.tags (user_id, name) SELECT n, 'n' FROM generate_series(1, 5) n;
	INSERT INTO app.notes (tenant_id, user_id) SELECT 1, n FROM generate_series(1, 5) n;
	INSERT INTO app.seats SELECT 1, n FROM generate_series(1, 9) n; INSERT INTO app.badges (tenant, holder) SELECT 1, n FROM generate_series(1, 9) n; INSERT INTO app.events (at, user_id) SELECT '2024-07-01'::date + 90 * n, n FROM generate_series(1, 4) n`

// contractRun returns a run on a switched schema that may end the integers.
func contractRun(t *testing.T, c *server.Cluster, sql string) *testRun {
	s := newSchemaRun(t, c, sql, nil)
	s.mayContract()
	s.reach(plan.Up, plan.Linked)
	s.reach(plan.Up, plan.Switched)
	return s
}

// mayContract accepts every hazard, and confirms the end of the integers.
func (s *testRun) mayContract() {
	s.job.Confirm = "app"
	for _, name := range plan.HazardNames() {
		s.job.Request.Policy.Accept = append(s.job.Request.Policy.Accept, plan.HazardName(name))
	}
}

var errCrash = errors.New("the run was killed")

// crashAfter runs to phase contracted and ends the run before its action number n, counted from 0.
func (s *testRun) crashAfter(n int) error {
	s.job.Request.Goal = plan.Contracted
	s.actions = nil
	s.job.BeforeAction = func(id step.ID, a step.Action) error {
		if len(s.actions) == n {
			return errCrash
		}
		s.actions = append(s.actions, fmt.Sprintf("%s %T", id, a))
		return nil
	}
	_, err := run.Execute(s.t.Context(), s.job)
	return err
}

// TestContractIsKilledBeforeEachAction ends the run before each action. Whenever it is killed, every reference has a valid foreign key,
// both applications can write, rows stay unique, and the same command goes on. It runs on the newest version, on all with
// REKEY_ACCEPTANCE=1.
func TestContractIsKilledBeforeEachAction(t *testing.T) {
	majors := servertest.Versions(t)
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		if os.Getenv("REKEY_ACCEPTANCE") == "" && c.Major != majors[len(majors)-1] {
			t.Skip("20 s on each version: only the newest one without REKEY_ACCEPTANCE")
		}
		s := contractRun(t, c, contractSchema)
		n, last, actions := 0, "", 1
		if os.Getenv("REKEY_ACCEPTANCE") == "" {
			actions = 3
		}
		for ; n < 100; n++ {
			err := s.crashAfter(actions)
			s.checkApplications(last)
			if err == nil {
				break
			}
			if !errors.Is(err, errCrash) && !strings.Contains(err.Error(), errCrash.Error()) {
				t.Fatalf("after %s: %v", last, err)
			}
			if len(s.actions) == 0 {
				t.Fatalf("after %s: the run did nothing", last)
			}
			last = s.actions[len(s.actions)-1]
		}
		if n*actions < 20 {
			t.Errorf("%d interruptions prove nothing", n)
		}
		s.checkContracted()
	})
}

// TestContractWayBack interrupts the run after everything that precedes the first drop. The way back is exact.
func TestContractWayBack(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	t.Parallel()
	s := newSchemaRun(t, c, contractSchema, nil)
	s.reach(plan.Up, plan.Linked)
	linked := s.fingerprint()
	s.mayContract()
	s.reach(plan.Up, plan.Switched)
	s.job.Request.Goal = plan.Contracted
	s.job.BeforeAction = func(_ step.ID, a step.Action) error {
		if strings.Contains(strings.Join(a.SQL(), ";"), "DROP COLUMN") {
			return errCrash
		}
		return nil
	}
	if _, err := run.Execute(t.Context(), s.job); err == nil {
		t.Fatal("the run dropped columns")
	}
	s.reach(plan.Down, plan.Linked)
	if diff := cmp.Diff(linked, s.fingerprint()); diff != "" {
		t.Errorf("after down (-want +got)\n%s", diff)
	}
	s.job.BeforeAction = nil
	s.reach(plan.Up, plan.Switched)
	s.checkCounts()
}

// checkCounts runs to phase contracted. Each reference and each primary key starts once and ends once, also one whose drop follows a
// preparation, and the numbers of the run are theirs.
func (s *testRun) checkCounts() {
	s.t.Helper()
	const edges, keys = 13, 9
	started, done := map[string]int{}, map[string]int{}
	var first event.RunStarted
	s.job.Emit = func(e event.Event) {
		switch e := e.(type) {
		case event.RunStarted:
			first = e
		case event.TableStarted:
			started[e.Table]++
		case event.TableDone:
			done[e.Table]++
		}
	}
	s.job.Request.Goal = plan.Contracted
	result, err := s.migrate(plan.Up)
	if err != nil {
		s.t.Fatal(err)
	}
	if first.Edges != edges || first.Keys != keys || result.Edges != edges || result.Keys != keys {
		s.t.Errorf("announced %d references and %d keys, done %d and %d, want %d and %d", first.Edges, first.Keys, result.Edges, result.Keys, edges, keys)
	}
	for name, n := range started {
		if n != 1 || done[name] != 1 {
			s.t.Errorf("%s started %d times and ended %d times", name, n, done[name])
		}
	}
	if len(started) != edges+keys {
		s.t.Errorf("started: %v", started)
	}
}

// has reports whether a table has a column.
func (s *testRun) has(table, column string) bool {
	return s.queryText(fmt.Sprintf("SELECT count(*)::text FROM pg_attribute WHERE attrelid = 'app.%s'::regclass AND attname = '%s' AND NOT attisdropped", table, column)) == "1"
}

// checkApplications lets both applications write to every table, and checks the foreign keys and what is unique.
func (s *testRun) checkApplications(after string) {
	s.t.Helper()
	const user = "(SELECT uuid FROM app.users ORDER BY uuid LIMIT 1)"
	try := func(want, sql string) {
		s.t.Helper()
		_, err := s.pool.Exec(s.t.Context(), "BEGIN; "+sql+"; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK")
		_, _ = s.pool.Exec(s.t.Context(), "ROLLBACK")
		code := ""
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
			code = refused.Code
		}
		if code != want {
			s.t.Errorf("after %s: %s: %v, want %q", after, sql, err, want)
		}
	}
	for _, table := range []string{"tags", "events", "profiles", "notes"} {
		more, values := "", ""
		switch table {
		case "events":
			more, values = ", at", ", '2024-02-02'"
		case "notes":
			more, values = ", tenant_uuid", ", (SELECT uuid FROM app.tenants ORDER BY uuid LIMIT 1)"
		case "profiles":
			try("", "DELETE FROM app.profiles; INSERT INTO app.profiles (user_uuid) VALUES ("+user+")")
			try(pgerrcode.UniqueViolation, "INSERT INTO app.profiles (user_uuid) VALUES ("+user+")")
		}
		if table != "profiles" {
			try("", "INSERT INTO app."+table+" (user_uuid"+more+") VALUES ("+user+values+")")
		}
		try(pgerrcode.ForeignKeyViolation, "INSERT INTO app."+table+" (user_uuid"+more+") VALUES ('00000000-0000-7000-8000-000000000000'"+values+")")
		if table == "notes" {
			more, values = ", tenant_id", ", 1"
		}
		if s.has(table, "user_id") && (table != "notes" || s.has(table, "tenant_id")) {
			if table != "profiles" {
				try("", "INSERT INTO app."+table+" (user_id"+more+") VALUES (1"+values+")")
			}
			try(pgerrcode.ForeignKeyViolation, "INSERT INTO app."+table+" (user_id"+more+") VALUES (999"+values+")")
		}
	}
	try(pgerrcode.UniqueViolation, "INSERT INTO app.tags (user_uuid, name) VALUES ("+user+", 'twice'), ("+user+", 'twice')")
	try(pgerrcode.UniqueViolation, "INSERT INTO app.events (user_uuid, at) VALUES ("+user+", '2024-02-02'), ("+user+", '2024-02-02')")
	try(pgerrcode.ForeignKeyViolation, "INSERT INTO app.notes (user_uuid, tenant_uuid) SELECT "+user+", t.uuid FROM app.tenants t ORDER BY t.uuid DESC LIMIT 1")
	if s.has("users", "boss_id") {
		try("", "INSERT INTO app.users (tenant_id, boss_id) VALUES (1, 1)")
	}
	try("", "INSERT INTO app.users (tenant_uuid, boss_uuid) SELECT uuid, "+user+" FROM app.tenants LIMIT 1")
	if got := s.queryText("SELECT coalesce(string_agg(conname, ', '), '') FROM pg_constraint WHERE contype = 'f' AND NOT convalidated AND conname NOT LIKE '~rekey%'"); got != "" {
		s.t.Errorf("after %s: not valid: %s", after, got)
	}
}

// checkContracted checks that no integer key is left, and that every other command accepts the schema.
func (s *testRun) checkContracted() {
	s.t.Helper()
	if got := s.queryText(`SELECT coalesce(string_agg(attrelid::regclass || '.' || attname, ', '), '') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p') AND attname ~ 'id$' AND attname !~ 'uuid$' AND attnum > 0 AND NOT attisdropped`); got != "" {
		s.t.Errorf("left: %s", got)
	}
	if got := s.queryText(`SELECT coalesce(string_agg(relname, ', '), '') FROM pg_class WHERE relname LIKE '~rekey%' AND relnamespace = 'app'::regnamespace`); got != "" {
		s.t.Errorf("left: %s", got)
	}
	if got := s.queryText(`SELECT count(*) || ' ' || (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~rekey%') FROM pg_proc WHERE proname LIKE 'rekey%'`); got != "0 0" {
		s.t.Errorf("functions and triggers left: %s", got)
	}
	// The new primary keys have the columns of plain indexes that link built: those are gone.
	if got := s.queryText(`SELECT coalesce(string_agg(DISTINCT p.indexrelid::regclass::text, ', '), '') FROM pg_index p JOIN pg_index u USING (indrelid)
		JOIN pg_class c ON c.oid = p.indrelid AND c.relnamespace = 'app'::regnamespace
		WHERE NOT p.indisunique AND u.indisunique AND p.indkey::text = u.indkey::text AND p.indoption::text = u.indoption::text AND p.indpred IS NULL AND u.indpred IS NULL`); got != "" {
		s.t.Errorf("plain indexes that equal a unique one: %s", got)
	}
	for _, phase := range plan.Phases()[1:] {
		s.job.Request.Goal = phase
		if result, err := s.migrate(plan.Up); err != nil || !result.NothingToDo {
			s.t.Errorf("up to %s: nothing to do %v, %v", phase, result.NothingToDo, err)
		}
	}
	for _, phase := range plan.Phases()[:3] {
		s.job.Request.Goal = phase
		if _, err := s.migrate(plan.Down); err == nil || !strings.Contains(err.Error(), "is contracted") {
			s.t.Errorf("down to %s: %v", phase, err)
		}
	}
}
