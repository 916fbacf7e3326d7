package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// hostileSchema creates a table of a role whose function raises an error when another role runs it.
const hostileSchema = `DO $$BEGIN CREATE ROLE code_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
	CREATE SCHEMA app; CREATE TABLE app.base (id bigserial PRIMARY KEY, note text DEFAULT 'x'); INSERT INTO app.base SELECT FROM generate_series(1, 5);
	CREATE FUNCTION app.ran(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF current_user = 'code_owner' THEN RETURN true; END IF; RAISE EXCEPTION 'it ran'; END$$;
	ALTER TABLE app.base OWNER TO code_owner; ALTER SCHEMA app OWNER TO code_owner; ALTER FUNCTION app.ran(text) OWNER TO code_owner;`

// TestCodeAddedDuringRunIsNotExecuted adds code of the table's owner after the plan was made: before an action, or
// after the check before it, when only the transaction of the batch or the change can detect it. The code must not
// run, and the next run must be refused.
func TestCodeAddedDuringRunIsNotExecuted(t *testing.T) {
	const (
		check     = "ALTER TABLE app.base ADD CHECK (app.ran(note)) NOT VALID"
		constant  = "ALTER TABLE app.base ADD CHECK (app.ran('x'))"
		predicate = "CREATE INDEX ON app.base (id) WHERE app.ran('x')"
		trigger   = "CREATE FUNCTION app.t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'it ran'; END$$; " +
			"CREATE TRIGGER t BEFORE UPDATE ON app.base FOR EACH ROW EXECUTE FUNCTION app.t(); ALTER TABLE app.base ENABLE ALWAYS TRIGGER t"
		rule = "CREATE RULE r AS ON UPDATE TO app.base DO ALSO SELECT app.ran('x'); ALTER TABLE app.base ENABLE ALWAYS RULE r"
	)
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, test := range map[string]struct {
			sql, before, executing string // the action before which the code is added, or the statement when it is reported
			held                   bool   // the code is committed after the action has begun
		}{
			"a check, before the filling":             {check, "step.Fill", "", false},
			"a check, in the filling":                 {check, "step.Fill", "", true},
			"a constant check, in the filling":        {constant, "step.Fill", "", true},
			"a predicate, in the filling":             {predicate, "step.Fill", "", true},
			"a trigger, in the filling":               {trigger, "step.Fill", "", true},
			"a rule, in the filling":                  {rule, "step.Fill", "", true},
			"a constant check, before the proof":      {constant, "VALIDATE", "", false},
			"a constant check, when NOT NULL is set":  {constant, "", "SET NOT NULL", false},
			"a constant check, when the column comes": {constant, "", "ADD COLUMN", false},
			"a predicate, when the proof is added":    {predicate, "", "ADD CONSTRAINT", false},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, n := newSchemaRun(t, c, hostileSchema, nil), 0
				add := func() {
					if n++; n > 1 {
						return
					}
					sql := "SET ROLE code_owner; " + test.sql + "; RESET ROLE"
					if test.held {
						commit := inOpenTx(t, s, sql)
						time.AfterFunc(time.Second/2, commit) // the batch waits for this
						return
					}
					servertest.Execute(t, s.pool, sql)
				}
				s.job.Emit = func(e event.Event) {
					if executing, ok := e.(event.Executing); ok && test.executing != "" && strings.Contains(executing.SQL, test.executing) {
						add()
					}
				}
				result, err := s.run(test.before, add)
				if n == 0 {
					t.Fatalf("no code was added; actions %q", s.actions)
				}
				if !errors.Is(err, problem.ErrStopped) || result.Problems[0].Code != "table_altered" || !strings.Contains(err.Error(), "of code_owner") {
					t.Fatalf("the run ended with %v", err)
				}
				s.job.Emit = nil
				if _, err := s.run("", nil); !errors.Is(err, problem.ErrRefused) {
					t.Errorf("the next run returned %v", err)
				}
				for _, p := range result.Problems {
					if strings.Contains(p.Error(), "P0001") {
						t.Errorf("the code ran: %v", p)
					}
				}
			})
		}
	})
}

// inOpenTx runs statements in a transaction that stays open until commit is called.
func inOpenTx(t *testing.T, s *testRun, sql string) (commit func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "BEGIN; "+sql); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.Exec(ctx, "COMMIT"); err != nil {
			t.Error(err)
		}
		_ = conn.Close(ctx)
	}
}

// An edge reads its parent, whose indexes can call code of its owner.
func TestCodeOfParentIsNotExecuted(t *testing.T) {
	const child = hostileSchema + "CREATE TABLE app.child (id bigserial PRIMARY KEY, base_id bigint NOT NULL REFERENCES app.base); INSERT INTO app.child SELECT n, n FROM generate_series(1, 5) n"
	const predicate = "SET ROLE code_owner; CREATE INDEX ON app.base (note) WHERE app.ran('x'); RESET ROLE"
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, before := range map[string]string{"before the run": "", "before the filling": "step.Fill", "before the proof": "VALIDATE"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSchemaRun(t, c, child, nil)
				s.job.Request.Goal = plan.Expanded
				if _, err := s.run("", nil); err != nil {
					t.Fatal(err)
				}
				s.job.Request.Goal = plan.Linked
				want, add := problem.ErrStopped, func() { servertest.Execute(t, s.pool, predicate) }
				if before == "" {
					add()
					want, add = problem.ErrRefused, nil
				}
				result, err := s.run(before, add)
				if !errors.Is(err, want) || !strings.Contains(err.Error(), "of code_owner") {
					t.Errorf("the run ended with %v", err)
				}
				for _, p := range result.Problems {
					if strings.Contains(p.Error(), "P0001") {
						t.Errorf("the code ran: %v", p)
					}
				}
			})
		}
	})
}

// TestCodeOfReferringTableIsNotExecuted switches a primary key to which a table of another schema and of a role with fewer rights
// refers. Validating the moved foreign key would run the role's function, whether it was there before or is added during the run.
func TestCodeOfReferringTableIsNotExecuted(t *testing.T) {
	const predicate = "SET ROLE code_owner; CREATE INDEX ON theirs.c (p_id) WHERE theirs.ran('x'); RESET ROLE"
	for name, c := range map[string]struct{ first, before, code string }{
		"before the plan":        {first: predicate, code: "untrusted_code"},
		"while the key switches": {before: "VALIDATE", code: "table_altered"},
		"with a new foreign key": {first: "DROP TABLE theirs.c", before: "unique-key", code: "table_altered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSchemaRun(t, servertest.Cluster(t, servertest.Versions(t)[0]), `DO $$BEGIN CREATE ROLE code_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
				CREATE SCHEMA app; CREATE SCHEMA theirs; CREATE TABLE app.p (id bigserial PRIMARY KEY);
				CREATE FUNCTION theirs.ran(t text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF current_user = 'code_owner' THEN RETURN true; END IF; RAISE EXCEPTION 'it ran'; END$$;
				ALTER FUNCTION theirs.ran OWNER TO code_owner; GRANT ALL ON SCHEMA app, theirs TO code_owner; GRANT ALL ON app.p TO code_owner`, nil)
			s.reach(plan.Up, plan.Expanded)
			const child = `CREATE TABLE theirs.c (p_id bigint REFERENCES app.p (id), p_uuid uuid REFERENCES app.p (uuid)); ALTER TABLE theirs.c OWNER TO code_owner;`
			s.exec(child + c.first)
			s.job.Request.Policy.Accept, s.job.Request.Goal = []plan.HazardName{plan.HazardGroupBy, plan.HazardOnConflictConstraint}, plan.Switched
			added := false
			_, err := s.run(c.before, func() {
				if added {
					return
				}
				if added = true; c.first != "" {
					s.exec(child + predicate)
				} else {
					s.exec(predicate)
				}
			})
			if err == nil || problem.All(err)[0].Code != c.code || strings.Contains(err.Error(), "it ran") {
				t.Errorf("the run ended with %v", err)
			}
		})
	}
}
