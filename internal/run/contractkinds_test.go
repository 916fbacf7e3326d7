package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// keysOfEveryKind returns a parent and one child for each kind of foreign key: by delete action, MATCH, time of the check, and columns.
// The parent's rows have the names 1 to 9, and each child refers to row n with the name n.
func keysOfEveryKind(schema string, major int) string {
	kinds := map[string]string{
		"no_action": "REFERENCES p", "restricted": "REFERENCES p ON DELETE RESTRICT", "cascaded": "REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE",
		"emptied": "REFERENCES p ON DELETE SET NULL", "defaulted": "DEFAULT 1 REFERENCES p ON DELETE SET DEFAULT", "full_match": "REFERENCES p MATCH FULL ON DELETE CASCADE",
		"may_defer": "REFERENCES p ON DELETE CASCADE DEFERRABLE", "late": "REFERENCES p DEFERRABLE INITIALLY DEFERRED",
		"required": "NOT NULL REFERENCES p ON DELETE CASCADE", "not_validated": "",
	}
	pairs := map[string]string{"pair": "ON DELETE CASCADE", "pair_full": "MATCH FULL ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED", "pair_emptied": "ON DELETE SET NULL"}
	if major >= 15 {
		pairs["pair_column"] = "ON DELETE SET NULL (p_id)"
	}
	var sql strings.Builder
	fmt.Fprintf(&sql, "CREATE SCHEMA %[1]s; SET search_path = %[1]s; CREATE TABLE p (id bigserial PRIMARY KEY, tenant int NOT NULL DEFAULT 7, name int, UNIQUE (tenant, id)); INSERT INTO p (name) SELECT n FROM generate_series(1, 9) n;", schema)
	for name, key := range kinds {
		fmt.Fprintf(&sql, "CREATE TABLE %[1]s (id bigserial PRIMARY KEY, p_id bigint %[2]s, name int); INSERT INTO %[1]s (p_id, name) SELECT n, n FROM generate_series(1, 9) n;", name, key)
	}
	sql.WriteString("ALTER TABLE not_validated ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE CASCADE NOT VALID;")
	for name, key := range pairs {
		fmt.Fprintf(&sql, "CREATE TABLE %[1]s (id bigserial PRIMARY KEY, tenant int, p_id bigint, name int, FOREIGN KEY (tenant, p_id) REFERENCES p (tenant, id) %[2]s); INSERT INTO %[1]s (tenant, p_id, name) SELECT 7, n, n FROM generate_series(1, 9) n;", name, key)
	}
	return sql.String() + "RESET search_path;"
}

// definitions returns the foreign keys of a schema by table, with the integer columns in place of the uuid columns. NOT VALID is left out: a uuid
// foreign key is valid even if the integer one was not.
const definitions = `SELECT coalesce(string_agg(c.relname || ' ' || replace(replace(replace(replace(pg_get_constraintdef(k.oid), '%[1]s.', ''), 'p_uuid', 'p_id'), 'uuid', 'id'), ' NOT VALID', ''), E'\n' ORDER BY c.relname), '')
	FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f' AND k.connamespace = '%[1]s'::regnamespace`

// behaviour deletes each row of the parent, and updates a key, in a schema. It returns the error or what is left of each child: the names of
// its rows and of the rows to which they refer.
func (s *testRun) behaviour(schema, key, column string, tables []string) string {
	s.t.Helper()
	var text strings.Builder
	for _, table := range tables {
		rows := fmt.Sprintf("SELECT coalesce(string_agg(c.name || '>' || coalesce(p.name::text, '-'), ' ' ORDER BY c.name), '') FROM %[1]s.%[2]s c LEFT JOIN %[1]s.p p ON p.%[3]s = c.%[4]s", schema, table, key, column)
		for _, others := range []string{"", "SET CONSTRAINTS ALL IMMEDIATE;"} {
			var other []string
			for _, t := range tables {
				if t != table {
					other = append(other, fmt.Sprintf("DELETE FROM %s.%s;", schema, t))
				}
			}
			tx, err := s.pool.Begin(s.t.Context())
			if err != nil {
				s.t.Fatal(err)
			}
			_, err = tx.Exec(s.t.Context(), strings.Join(other, " ")+others+fmt.Sprintf("DELETE FROM %s.p WHERE name = 5", schema))
			left := ""
			if err == nil {
				err = tx.QueryRow(s.t.Context(), rows).Scan(&left)
			}
			if err == nil {
				_, err = tx.Exec(s.t.Context(), "SET CONSTRAINTS ALL IMMEDIATE")
			}
			if refused, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // of the statement itself
				left += " " + refused.Code
			} else if err != nil {
				s.t.Fatal(err)
			}
			_ = tx.Rollback(s.t.Context())
			fmt.Fprintf(&text, "%s: %s\n", table, left)
		}
	}
	return text.String()
}

// TestContractKeepsForeignKeys compares each foreign key of a contracted schema with the integer one of a schema that was not migrated: its
// definition, and what DELETE does.
func TestContractKeepsForeignKeys(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newSchemaRun(t, c, keysOfEveryKind("plain", c.Major)+keysOfEveryKind("app", c.Major), nil)
		s.mayContract()
		for _, phase := range plan.Phases()[1:] { // a default needs the uuid of its row before the reference is linked
			s.reach(plan.Up, phase)
		}
		if diff := cmp.Diff(s.queryText(fmt.Sprintf(definitions, "plain")), s.queryText(fmt.Sprintf(definitions, "app"))); diff != "" {
			t.Errorf("definitions (-want +got)\n%s", diff)
		}
		tables := strings.Fields(s.queryText("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname <> 'p' AND relnamespace = 'plain'::regnamespace"))
		if len(tables) < 13 {
			t.Fatal(tables)
		}
		if diff := cmp.Diff(s.behaviour("plain", "id", "p_id", tables), s.behaviour("app", "uuid", "p_uuid", tables)); diff != "" {
			t.Errorf("DELETE (-want +got)\n%s", diff)
		}
	})
}

// TestContractChildFirst ends a reference whose rows are written before their parents, and whose integer is NOT NULL. The uuid gets NOT NULL
// before the drop. A writer of uuids works in every state, and the way back lets a writer of integers work again.
func TestContractChildFirst(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	t.Parallel()
	const schema = `CREATE SCHEMA app; CREATE TABLE app.p (id bigserial PRIMARY KEY, n int);
		CREATE TABLE app.c (id bigserial PRIMARY KEY, p_id bigint NOT NULL CONSTRAINT of_p REFERENCES app.p DEFERRABLE INITIALLY DEFERRED);
		CREATE TABLE app.plain (code text PRIMARY KEY, p_id bigint NOT NULL REFERENCES app.p DEFERRABLE, CONSTRAINT once UNIQUE (p_id, code));
		INSERT INTO app.p SELECT FROM generate_series(1, 5); INSERT INTO app.c (p_id) SELECT n FROM generate_series(1, 5) n`
	const byInteger = "BEGIN; INSERT INTO app.c (p_id) VALUES (%[1]d); INSERT INTO app.p (id) VALUES (%[1]d); COMMIT"
	const byUUID = "BEGIN; INSERT INTO app.p (uuid) VALUES ('00000000-0000-7000-8000-%012[1]d'); INSERT INTO app.c (p_uuid) VALUES ('00000000-0000-7000-8000-%012[1]d'); COMMIT"
	s := newSchemaRun(t, c, schema, nil)
	s.reach(plan.Up, plan.Linked)
	catalogue := func() []string {
		return slices.DeleteFunc(s.fingerprint(), func(line string) bool { return strings.HasPrefix(line, "rows of ") })
	}
	linked := catalogue()
	s.mayContract()
	s.reach(plan.Up, plan.Switched)
	n := 100
	try := func(state, sql string, works bool) {
		t.Helper()
		n++
		_, err := s.pool.Exec(t.Context(), fmt.Sprintf(sql, n))
		_, _ = s.pool.Exec(t.Context(), "ROLLBACK")
		if (err == nil) != works {
			t.Errorf("%s: %v: %s", state, err, fmt.Sprintf(sql, n))
		}
	}
	try("switched", byInteger, true)
	try("switched", byUUID, true)
	s.job.Request.Goal = plan.Contracted
	beforeDrop := func(_ step.ID, a step.Action) error {
		if strings.Contains(strings.Join(a.SQL(), ";"), "DROP COLUMN") {
			return errCrash
		}
		return nil
	}
	s.job.BeforeAction = beforeDrop
	if _, err := run.Execute(t.Context(), s.job); err == nil {
		t.Fatal("the run dropped columns")
	}
	try("prepared", byUUID, true)
	if got := s.queryText("SELECT attnotnull::text FROM pg_attribute WHERE attrelid = 'app.c'::regclass AND attname = 'p_uuid'"); got != "true" {
		t.Errorf("NOT NULL of p_uuid before the drop: %s", got)
	}
	try("prepared", byInteger, false)
	s.job.BeforeAction = nil
	s.reach(plan.Down, plan.Linked)
	if diff := cmp.Diff(linked, catalogue()); diff != "" {
		t.Errorf("after down (-want +got)\n%s", diff)
	}
	try("back", byInteger, true)
	try("back", byUUID, true)
	s.reach(plan.Up, plan.Switched)
	s.job.Request.Goal, s.job.BeforeAction = plan.Contracted, beforeDrop
	if _, err := run.Execute(t.Context(), s.job); err == nil {
		t.Fatal("the run dropped columns")
	}
	s.job.BeforeAction = nil
	s.reach(plan.Up, plan.Contracted) // the same command finishes
	s.exec(fmt.Sprintf("BEGIN; INSERT INTO app.c (p_uuid) VALUES ('%[1]s'); INSERT INTO app.p (uuid) VALUES ('%[1]s'); COMMIT", "00000000-0000-7000-8000-000000000001"))
	if got := s.queryText("SELECT count(*) FILTER (WHERE p.uuid IS NULL) || ' of ' || count(*) FROM app.c c LEFT JOIN app.p p ON p.uuid = c.p_uuid"); got != "0 of 11" {
		t.Error(got)
	}
}

// TestContractRunsNoUntrustedCode refuses to end the integers before it reads a row if the owner of a table has added code to it since the
// switch: PostgreSQL evaluates the predicate of an index while it plans the proof.
func TestContractRunsNoUntrustedCode(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	t.Parallel()
	for table, want := range map[string]string{"child": "app.child", "parent": "app.parent"} {
		var ran []string
		s := newSchemaRun(t, c, `CREATE SCHEMA app; CREATE TABLE app.parent (id bigserial PRIMARY KEY, n int); CREATE TABLE app.child (id bigserial PRIMARY KEY, parent_id bigint REFERENCES app.parent, n int);
			INSERT INTO app.parent DEFAULT VALUES; INSERT INTO app.child (parent_id) VALUES (1); GRANT ALL ON SCHEMA app TO pg_monitor;
			ALTER TABLE app.parent OWNER TO pg_monitor; ALTER TABLE app.child OWNER TO pg_monitor`, func(n *pgconn.Notice) {
			if strings.HasPrefix(n.Message, "ran as ") {
				ran = append(ran, n.Message)
			}
		})
		s.mayContract()
		s.reach(plan.Up, plan.Linked)
		s.reach(plan.Up, plan.Switched)
		s.exec(`CREATE FUNCTION public.f(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''ran as %'', current_user; RETURN true; END';
			ALTER FUNCTION public.f(int) OWNER TO pg_monitor; CREATE INDEX ON app.` + table + ` (n) WHERE public.f(1)`)
		ran = nil
		s.job.Request.Goal = plan.Contracted
		_, err := s.migrate(plan.Up)
		if err == nil || !strings.Contains(err.Error(), "function public.f(integer) of pg_monitor") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", table, err)
		}
		if len(ran) > 0 {
			t.Errorf("%s: the function %v", table, ran)
		}
		if !s.has("child", "parent_id") || !s.has("parent", "id") {
			t.Errorf("%s: columns were dropped", table)
		}
	}
}

// attacker runs a statement as another session right before the first query of the proof.
type attacker struct {
	attack func()
	once   sync.Once
}

func (a *attacker) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.HasPrefix(q.SQL, "LOCK TABLE") || strings.HasPrefix(q.SQL, "SELECT pg_relation_size(") {
		a.once.Do(a.attack)
	}
	return ctx
}

func (*attacker) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestProofRunsNoAddedCode ends the proof if the owner of a table adds code after the plan was made.
func TestProofRunsNoAddedCode(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	t.Parallel()
	for _, table := range []string{"child", "parent"} {
		s := newSchemaRun(t, c, `CREATE SCHEMA app; CREATE TABLE app.parent (id bigserial PRIMARY KEY, n int); CREATE TABLE app.child (id bigserial PRIMARY KEY, parent_id bigint REFERENCES app.parent, n int);
			INSERT INTO app.parent DEFAULT VALUES; INSERT INTO app.child (parent_id) VALUES (1); GRANT ALL ON SCHEMA app TO pg_monitor; CREATE TABLE public.ran (n int);
			CREATE FUNCTION public.f(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF current_user <> ''pg_monitor'' THEN RAISE EXCEPTION ''it ran''; END IF; RETURN true; END';
			ALTER FUNCTION public.f(int) OWNER TO pg_monitor; ALTER TABLE app.parent OWNER TO pg_monitor; ALTER TABLE app.child OWNER TO pg_monitor`, nil)
		s.mayContract()
		s.reach(plan.Up, plan.Linked)
		s.reach(plan.Up, plan.Switched)
		config := s.pool.Config()
		config.ConnConfig.Tracer = &attacker{attack: func() {
			s.exec("SET ROLE pg_monitor; CREATE INDEX ON app." + table + " (n) WHERE public.f(1); RESET ROLE")
		}}
		traced, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(traced.Close)
		s.job.Pool, s.job.Direct, s.job.Request.Goal = traced, traced, plan.Contracted
		_, err = s.migrate(plan.Up)
		if err == nil || !strings.Contains(err.Error(), "function public.f(integer) of pg_monitor") {
			t.Errorf("%s: %v", table, err)
		}
		if !s.has("child", "parent_id") {
			t.Errorf("%s: columns were dropped", table)
		}
	}
}
