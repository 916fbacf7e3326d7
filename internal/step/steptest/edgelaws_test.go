package steptest_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// edgeLab is a child with rows, and its edges.
type edgeLab struct {
	sql   string
	edges func(*lab)
}

// A unique constraint and a unique index, with all that they can have in addition to their definitions.
const (
	uniqueConstraint = `ALTER TABLE app.c ADD CONSTRAINT "each once" UNIQUE (p_id, role) INCLUDE (id) WITH (fillfactor = 80);
	COMMENT ON CONSTRAINT "each once" ON app.c IS 'it''s a rule'; COMMENT ON INDEX app."each once" IS 'its index'; ALTER TABLE app.c CLUSTER ON "each once";
`
	uniqueIndexes = uniqueConstraint + `CREATE UNIQUE INDEX c_p_id_lower ON app.c (p_id DESC, lower(role)) WHERE p_id IS NOT NULL AND role <> ' WHERE ';
	ALTER INDEX app.c_p_id_lower ALTER COLUMN 2 SET STATISTICS 77; COMMENT ON INDEX app.c_p_id_lower IS 'lower';
`
)

// moves lets the twins of unique indexes take the uniqueness over.
func moves(e *step.Edge) {
	for i := range e.Twins {
		e.Twins[i].Unique, e.Twins[i].Moves = e.Twins[i].OfUnique, e.Twins[i].OfUnique
	}
}

func edgeLabs() map[string]edgeLab {
	one := func(column string) func(*lab) { return func(l *lab) { l.edge("c", column, "p") } }
	const rows = `INSERT INTO app.c (id, p_id) SELECT n, 1 + n % 9 FROM generate_series(1, 20) n;`
	return map[string]edgeLab{
		"required": {`CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint NOT NULL REFERENCES app.p ON DELETE CASCADE ON UPDATE CASCADE, role text);
			CREATE UNIQUE INDEX c_p_id_role ON app.c (p_id DESC, role) INCLUDE (id) WITH (fillfactor = 80) WHERE p_id IS NOT NULL;
			` + rows, one("p_id")},
		"nullable, deferrable": {`CREATE TABLE app.c (id bigint PRIMARY KEY, p_id integer REFERENCES app.p ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
			CREATE INDEX ON app.c (p_id);` + rows, one("p_id")},
		"a default": {
			`CREATE TABLE app.c (id bigint PRIMARY KEY, p_id smallint DEFAULT 1 REFERENCES app.p ON DELETE SET DEFAULT);` + rows,
			func(l *lab) {
				l.edge("c", "p_id", "p", func(e *step.Edge) {
					e.Default = &step.EdgeDefault{Key: "1", UUID: "00000000-0000-7000-8000-000000000001"}
				})
			},
		},
		"without a constraint": {`CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint); CREATE INDEX ON app.c (p_id);` + rows, one("p_id")},
		"composite": {`CREATE TABLE app.c (id bigint PRIMARY KEY, t bigint NOT NULL DEFAULT 7, p_id bigint NOT NULL,
				FOREIGN KEY (t, p_id) REFERENCES app.p (t, id)); CREATE INDEX ON app.c (t, p_id);` + rows, one("p_id")},
		"partitioned": {`CREATE TABLE app.c (id bigint, p_id bigint NOT NULL REFERENCES app.p, PRIMARY KEY (id)) PARTITION BY RANGE (id);
			CREATE TABLE app.c1 PARTITION OF app.c FOR VALUES FROM (0) TO (9);
			CREATE TABLE app.rest PARTITION OF app.c DEFAULT PARTITION BY HASH (id);
			CREATE TABLE app.rest1 PARTITION OF app.rest FOR VALUES WITH (MODULUS 1, REMAINDER 0);
			CREATE INDEX ON app.c (p_id);` + rows, one("p_id")},
		"inherited": {`CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint NOT NULL REFERENCES app.p);
			CREATE TABLE app.c2 (PRIMARY KEY (id), FOREIGN KEY (p_id) REFERENCES app.p) INHERITS (app.c);
			INSERT INTO app.c2 (id, p_id) VALUES (30, 1), (31, 2);` + rows, func(l *lab) {
			l.edge("c", "p_id", "p")
			l.edge("c2", "p_id", "p", func(e *step.Edge) { e.Inherited, e.Child.Only, e.Required = true, true, false })
		}},
		"moved arbiter": {`CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint NOT NULL REFERENCES app.p, role text NOT NULL);
			` + uniqueConstraint + `INSERT INTO app.c (id, p_id, role) SELECT n, 1 + n % 9, n::text FROM generate_series(1, 20) n;`, func(l *lab) {
			l.edge("c", "p_id", "p", moves)
		}},
		"itself": {`CREATE TABLE app.c (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), up_id bigint REFERENCES app.c);
			INSERT INTO app.c (id, up_id) SELECT n, nullif(n / 2, 0) FROM generate_series(1, 20) n;`, func(l *lab) { l.edge("c", "up_id", "c") }},
	}
}

// The laws hold for edges of every kind. Each kind is tested on one version, and the partitioned one, whose foreign key
// depends on it, on two. Kinds without steps of their own are left out: the laws take long.
func TestLawsOfEdges(t *testing.T) {
	majors := servertest.Versions(t)
	labs := edgeLabs()
	delete(labs, "itself")
	delete(labs, "without a constraint")
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		for i, name := range slices.Sorted(maps.Keys(labs)) {
			ends := name == "partitioned" && servertest.IsOldestOrNewest(t, c)
			if !ends && (name == "partitioned" || majors[i%len(majors)] != c.Major) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, c, labs[name].sql)
				labs[name].edges(l)
				laws := l.subject()
				laws.Repeats = name == "partitioned" || name == "inherited"
				steptest.Laws(t, laws)
			})
		}
	})
}

// Every kind goes up and back once, and a second up does nothing.
func TestEdgesUpAndDown(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	labs := edgeLabs()
	for _, name := range []string{"itself", "without a constraint"} {
		l := newLab(t, c, labs[name].sql)
		labs[name].edges(l)
		before, err := l.subject().Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.mustUp()
		again := func(id step.ID, _ step.Action) error { return errors.New(string(id) + " has an action left") }
		if err := l.up(t.Context(), again); err != nil {
			t.Error(err)
		}
		if err := l.down(t.Context(), nil); err != nil {
			t.Error(err)
		}
		after, err := l.subject().Fingerprint(t.Context())
		if diff := cmp.Diff(before, after); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}
