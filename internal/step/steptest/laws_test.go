package steptest_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/step/steptest"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/verify"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// A schema and a table whose names must be quoted everywhere, and the table before up.
const (
	schema = `The "Law's" Schema`
	base   = `
		CREATE SCHEMA "The ""Law's"" Schema";
		SET search_path = "The ""Law's"" Schema";
		CREATE TABLE kit ();
		COMMENT ON TABLE kit IS '39';
		CREATE TABLE "Sub\ject" (id bigint PRIMARY KEY, note text DEFAULT 'none', at timestamp NOT NULL DEFAULT now()) WITH (fillfactor = 90);
		CREATE INDEX ON "Sub\ject" (note);
		COMMENT ON COLUMN "Sub\ject".note IS 'a note';
		ALTER TABLE "Sub\ject" ALTER note SET (n_distinct = 7);
		INSERT INTO "Sub\ject" (id, note) SELECT n, 'n' || n FROM generate_series(1, 9) n;
		GRANT SELECT ON "Sub\ject" TO PUBLIC;
		CREATE FUNCTION elsewhere() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';`
	halfFilled = `UPDATE "Sub\ject" SET uuid = md5(id::text)::uuid WHERE id < 5;`
	indexName  = `"Sub\ject_uuid_idx"`
)

// subjects returns the SQL for the states of the table before up. Down must restore the state of an existing column.
func subjects(major int) map[string]string {
	const t = `ALTER TABLE "Sub\ject" `
	return map[string]string{
		"no column": ``,
		"nullable, half filled, default and comment of its own": t + `ADD uuid uuid; ` + t + `ALTER uuid SET DEFAULT elsewhere();
			COMMENT ON COLUMN "Sub\ject".uuid IS E'the application''s \\ [rekey: found] own';` + halfFilled,
		"nullable, no default, indexed": t + `ADD uuid uuid; CREATE UNIQUE INDEX ` + indexName + ` ON "Sub\ject" (uuid);
			` + t + `ALTER uuid SET (n_distinct = -1);` + halfFilled,
		"required, no index, other indexes": t + `ADD uuid uuid NOT NULL DEFAULT gen_random_uuid();
			CREATE INDEX mine ON "Sub\ject" (uuid) WHERE id > 3; CREATE INDEX more ON "Sub\ject" ((uuid::text));`,
		"the goal's default, nothing else": function(major) + `; ` + t + `ADD uuid uuid; ` +
			t + `ALTER uuid SET DEFAULT uuid_generate_v7(); ` + halfFilled,
	}
}

// function returns the statement that creates rekey's function.
func function(major int) string {
	view := step.View{Server: catalog.Server{Version: major * 10000}}
	return step.EnsureFunction{Schema: schema}.Apply(view)[0].SQL()[0]
}

// The laws take long, so that a made column and an existing one are tested on the oldest and the newest version, and each
// other state on one version.
func TestLaws(t *testing.T) {
	majors := servertest.Versions(t)
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		all := subjects(c.Major)
		for i, name := range slices.Sorted(maps.Keys(all)) {
			ends := c.Major == majors[0] || c.Major == majors[len(majors)-1]
			everywhere := name == "no column" || strings.HasPrefix(name, "nullable, half filled")
			if !(everywhere && ends) && majors[i%len(majors)] != c.Major {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				steptest.Laws(t, newSubject(t, c, all[name]).lawSubject())
			})
		}
		// For random values the versions do not differ: a made column on the newest, an existing one on the oldest.
		for name, versions := range map[string][2]int{"no column": {18, 99}, "nullable, no default, indexed": {13, 14}} {
			if c.Major < versions[0] || c.Major > versions[1] {
				continue
			}
			t.Run("random, "+name, func(t *testing.T) {
				t.Parallel()
				s := newSubject(t, c, subjects(c.Major)[name])
				s.job.Request.Policy.Values.Random = []string{s.table().Name}
				steptest.Laws(t, s.lawSubject())
			})
		}
	})
}

// In a schema run only the marks show which columns are rekey's. The steps are the same, so that two states on the newest
// version are enough.
func TestLawsOfSchemaRun(t *testing.T) {
	majors := servertest.Versions(t)
	c := servertest.Cluster(t, majors[len(majors)-1])
	only, err := discover.ParsePatterns(`Sub\\ject`)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"no column", "nullable, no default, indexed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, c, subjects(c.Major)[name])
			s.job.Request = survey.Request{Schema: schema, Scope: plan.Scope{Selection: plan.Selection{Filter: discover.Filter{Tables: only}}}}
			steptest.Laws(t, s.lawSubject())
		})
	}
}

// trees returns the SQL for trees without the column: with partitions on two levels, with children, and with partitions that
// cannot have a common unique index.
func trees() map[string]string {
	return map[string]string{
		"partitioned": `CREATE TABLE "Sub\ject" (id bigint PRIMARY KEY, note text) PARTITION BY RANGE (id);
			CREATE TABLE "below 5" PARTITION OF "Sub\ject" FOR VALUES FROM (0) TO (5);
			CREATE TABLE rest PARTITION OF "Sub\ject" DEFAULT PARTITION BY HASH (id);
			CREATE TABLE "rest of all" PARTITION OF rest FOR VALUES WITH (MODULUS 1, REMAINDER 0);`,
		"partitioned by an expression": `CREATE TABLE "Sub\ject" (id bigint, note text) PARTITION BY LIST ((id % 2));
			CREATE TABLE even PARTITION OF "Sub\ject" FOR VALUES IN (0);
			CREATE TABLE odd PARTITION OF "Sub\ject" FOR VALUES IN (1);`,
		"inherited": `CREATE TABLE "Sub\ject" (id bigint PRIMARY KEY, note text);
			CREATE TABLE child (PRIMARY KEY (id)) INHERITS ("Sub\ject");
			CREATE TABLE grandchild () INHERITS (child);
			INSERT INTO child SELECT n, 'c' || n FROM generate_series(11, 13) n; INSERT INTO grandchild VALUES (21, 'g');`,
	}
}

// existingTrees returns the SQL for trees with an existing column that differs between their tables.
func existingTrees() map[string]string {
	return map[string]string{
		"partitioned, each partition in its own way": `CREATE TABLE "Sub\ject" (id bigint PRIMARY KEY, note text, uuid uuid DEFAULT elsewhere()) PARTITION BY RANGE (id);
			CREATE TABLE "below 5" PARTITION OF "Sub\ject" (uuid NOT NULL DEFAULT gen_random_uuid()) FOR VALUES FROM (0) TO (5);
			CREATE TABLE rest PARTITION OF "Sub\ject" DEFAULT PARTITION BY HASH (id);
			CREATE TABLE "rest of all" PARTITION OF rest FOR VALUES WITH (MODULUS 1, REMAINDER 0);
			ALTER TABLE "rest of all" ALTER uuid DROP DEFAULT; CREATE UNIQUE INDEX mine ON "rest of all" (uuid);
			COMMENT ON COLUMN "Sub\ject".uuid IS 'of the application';`,
		"partitioned, NOT NULL in the middle": `CREATE TABLE "Sub\ject" (id bigint PRIMARY KEY, note text, uuid uuid DEFAULT elsewhere()) PARTITION BY RANGE (id);
			CREATE TABLE rest PARTITION OF "Sub\ject" DEFAULT PARTITION BY HASH (id);
			CREATE TABLE "rest 0" PARTITION OF rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
			CREATE TABLE "rest 1" PARTITION OF rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
			ALTER TABLE rest ALTER uuid SET DEFAULT gen_random_uuid(); ALTER TABLE "rest 1" ALTER uuid SET DEFAULT gen_random_uuid();
			ALTER TABLE "rest 0" ALTER uuid SET DEFAULT elsewhere(); ALTER TABLE rest ALTER uuid SET NOT NULL;`,
		"partitioned, one index for all": `CREATE TABLE "Sub\ject" (id bigint PRIMARY KEY, note text, uuid uuid) PARTITION BY LIST (id);
			CREATE TABLE rest PARTITION OF "Sub\ject" DEFAULT; CREATE UNIQUE INDEX "by uuid" ON "Sub\ject" (uuid, id);`,
		"inherited": `CREATE TABLE "Sub\ject" (id bigint PRIMARY KEY, note text, uuid uuid);
			CREATE TABLE child (PRIMARY KEY (id), UNIQUE (uuid)) INHERITS ("Sub\ject"); ALTER TABLE child ALTER uuid SET DEFAULT gen_random_uuid();
			CREATE TABLE grandchild (uuid uuid NOT NULL DEFAULT elsewhere()) INHERITS (child);
			INSERT INTO child SELECT n, 'c' || n FROM generate_series(11, 13) n; INSERT INTO grandchild VALUES (21, 'g');`,
	}
}

// markEmpty marks the rows that have no value, for reset.
const markEmpty = `UPDATE "Sub\ject" SET note = 'empty' WHERE uuid IS NULL;`

// Down restores the state of an existing column in each table of a tree.
func TestLawsOfExistingTrees(t *testing.T) {
	majors := servertest.Versions(t)
	only, err := discover.ParsePatterns(`Sub\\ject`)
	if err != nil {
		t.Fatal(err)
	}
	found := existingTrees()
	for i, name := range slices.Sorted(maps.Keys(found)) {
		major := majors[i%len(majors)] // each on one version: the laws take long
		t.Run(fmt.Sprintf("%s, %d", name, major), func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, servertest.Cluster(t, major), `DROP TABLE "Sub\ject"; `+found[name]+
				`INSERT INTO "Sub\ject" (id, note) SELECT n, 'n' || n FROM generate_series(1, 9) n; `+markEmpty)
			s.job.Request = survey.Request{Schema: schema, Scope: plan.Scope{Selection: plan.Selection{Filter: discover.Filter{Tables: only}}}}
			s.testTree(t)
		})
	}
}

// testTree tests the laws on a tree, in whose tables the actions repeat.
func (s subject) testTree(t *testing.T) {
	laws := s.lawSubject()
	laws.Repeats = true
	steptest.Laws(t, laws)
}

// One up and one down add and drop the column in all tables of a tree.
func TestLawsOfTrees(t *testing.T) {
	majors := servertest.Versions(t)
	only, err := discover.ParsePatterns(`Sub\\ject`)
	if err != nil {
		t.Fatal(err)
	}
	for name, sql := range trees() {
		major := majors[len(majors)-1]
		if name == "partitioned" {
			major = majors[0]
		}
		t.Run(fmt.Sprintf("%s, %d", name, major), func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, servertest.Cluster(t, major), `DROP TABLE "Sub\ject"; `+sql+
				`INSERT INTO "Sub\ject" SELECT n, 'n' || n FROM generate_series(1, 9) n;`)
			s.noColumn = true
			s.job.Request = survey.Request{Schema: schema, Scope: plan.Scope{Selection: plan.Selection{Filter: discover.Filter{Tables: only}}}}
			s.testTree(t)
		})
	}
}

type subject struct {
	pool     *pgxpool.Pool // for the runs
	observer *pgxpool.Pool // for the test's own queries
	job      run.Job
	existing string // SQL that made the table's state before up
	noColumn bool   // the state has no column
}

func newSubject(t *testing.T, c *server.Cluster, found string) subject {
	ctx := t.Context()
	url := servertest.Database(t, c).URL
	pool, observer := servertest.Pool(t, url), servertest.Pool(t, url)
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Conn().PgConn().Exec(ctx, base+found+"RESET search_path").ReadAll(); err != nil {
		t.Fatal(err)
	}
	return subject{pool: pool, observer: observer, existing: found, job: run.Job{
		Pool: pool, Direct: pool, Limits: run.Limits{LockTimeout: 50 * time.Millisecond, LockRetryTimeout: 10 * time.Minute},
		Request: survey.Request{Schema: schema, Scope: plan.Scope{Profile: &profile.Profile{
			Name: "law", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
			Tables: []profile.Table{{Name: `Sub\ject`, Time: "at"}, {Name: "absent", Time: "at"}},
		}}},
	}}
}

func (s subject) lawSubject() steptest.Subject {
	return steptest.Subject{
		Up: s.execute(plan.Up), Down: s.execute(plan.Down), IsComplete: s.verifyComplete, Interrupt: s.interrupt, Reset: s.reset,
		Fingerprint: func(ctx context.Context) ([]string, error) {
			return steptest.Fingerprint(ctx, s.observer, schema, "uuid")
		},
		Values: func(ctx context.Context) (map[int64]string, error) {
			if s.existing == "" || s.noColumn {
				return nil, nil
			}
			return steptest.Values(ctx, s.observer, s.table(), "uuid")
		},
	}
}

func (s subject) table() sqltext.Table { return sqltext.Table{Schema: schema, Name: `Sub\ject`} }

func (s subject) execute(direction plan.Direction) func(context.Context, steptest.BeforeAction) error {
	return func(ctx context.Context, before steptest.BeforeAction) error {
		job := s.job
		job.Request.Direction, job.BeforeAction = direction, before
		_, err := run.Execute(ctx, job)
		return err
	}
}

func (s subject) verifyComplete(ctx context.Context) error {
	info, err := inspect.Server(ctx, s.pool)
	if err != nil {
		return err
	}
	request := s.job.Request
	request.Direction = plan.Up
	_, err = verify.Run(ctx, s.pool, info, request)
	return err
}

// reset removes what down leaves: the function, and the values that up wrote. Before up, rows 5 to 9 had none.
func (s subject) reset(ctx context.Context) error {
	reset := ""
	if !strings.Contains(s.existing, step.FunctionName) {
		reset = sqltext.Format("DROP FUNCTION IF EXISTS {}();", sqltext.Table{Schema: schema, Name: step.FunctionName})
	}
	if strings.Contains(s.existing, halfFilled) {
		reset += sqltext.Format("UPDATE {} SET uuid = NULL WHERE id >= 5;", s.table())
	}
	if strings.Contains(s.existing, markEmpty) {
		reset += sqltext.Format("UPDATE {} SET uuid = NULL WHERE note = 'empty';", s.table())
	}
	_, err := s.observer.Exec(ctx, reset)
	return err
}

// interrupt does a part of an action, as a crash does: it leaves an invalid index, or some filled rows.
func (s subject) interrupt(ctx context.Context, a step.Action) error {
	switch a := a.(type) {
	case step.Fill:
		_, err := s.observer.Exec(ctx, sqltext.Format("UPDATE {} SET uuid = {}() WHERE id > 6 AND uuid IS NULL", a.Target.Rows(), a.Target.Function))
		return err
	case step.Concurrently:
		index := sqltext.Table{Schema: a.Table.Schema, Name: a.Index}
		if a.Build {
			if _, err := s.observer.Exec(ctx, strings.Replace(a.Statement, " CONCURRENTLY", "", 1)); err != nil {
				return err
			}
		}
		_, err := s.observer.Exec(ctx, sqltext.Format("UPDATE pg_index SET indisvalid = false WHERE indexrelid = {}::regclass",
			sqltext.Value(sqltext.Qualified(index.Schema, index.Name))))
		return err
	default:
		return fmt.Errorf("a %T is one transaction", a)
	}
}
