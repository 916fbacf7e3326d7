package steptest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// The foreign keys of 42 children move one after the other. Another session sees each of them valid at all times, and with the
// definition that it had. With REKEY_ACCEPTANCE it runs on all versions.
func TestKeyOfManyChildren(t *testing.T) {
	majors := servertest.Versions(t)
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		if c.Major != majors[len(majors)-1] && !everything() {
			t.Skip("minutes on each version: only the newest one without REKEY_ACCEPTANCE")
		}
		t.Parallel()
		l := newKeyLab(t, c, `DO $$ BEGIN FOR n IN 1..42 LOOP EXECUTE format('CREATE TABLE app.c%s (id bigint PRIMARY KEY, p_id bigint CONSTRAINT "k %1$s" REFERENCES app.p ON DELETE %s %s);
			INSERT INTO app.c%1$s SELECT n, n FROM generate_series(1, 9) n; COMMENT ON CONSTRAINT "k %1$s" ON app.c%1$s IS ''%1$s''', n,
			(ARRAY['CASCADE', 'SET NULL', 'RESTRICT'])[1 + n % 3], (ARRAY['', 'DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED'])[1 + n / 3 % 3]); END LOOP; END $$;`)
		k := l.key("p", "uuid")
		before, end := l.foreignKeys(), l.watchForeignKeys()
		l.upAndDown("42 children", func() {
			if diff := cmp.Diff(before, l.foreignKeys()); diff != "" {
				t.Errorf("definitions (-want +got)\n%s", diff)
			}
			if n := l.dependOn(k.Unique); n != 42 {
				t.Errorf("%d foreign keys depend on %s", n, k.Unique)
			}
		})
		if n := l.dependOn(k.Constraint); n != 42 {
			t.Errorf("%d foreign keys depend on the primary key", n)
		}
		if reads := end(); reads < 100 {
			t.Errorf("%d reads prove nothing", reads)
		}
	})
}

// foreignKeys returns the definitions and comments of the foreign keys of the schema.
func (l *keyLab) foreignKeys() []string {
	l.t.Helper()
	rows, err := l.lab.app.Query(l.t.Context(), `SELECT format('%s %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'))
		FROM pg_constraint WHERE contype = 'f' ORDER BY 1`)
	if err != nil {
		l.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		l.t.Fatal(err)
	}
	return lines
}

func (l *keyLab) dependOn(index string) (n int) {
	l.t.Helper()
	if err := l.lab.app.QueryRow(l.t.Context(), "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conindid = $1::text::regclass", "app."+index).Scan(&n); err != nil {
		l.t.Fatal(err)
	}
	return n
}

// watchForeignKeys reads again and again how many tables have a valid foreign key onto the parent. The function that it returns ends
// that and returns the number of reads.
func (l *keyLab) watchForeignKeys() func() int {
	ctx, cancel := context.WithCancel(l.t.Context())
	var all sync.WaitGroup
	reads := 0
	all.Go(func() {
		for ctx.Err() == nil {
			var tables int
			err := l.lab.app.QueryRow(context.Background(), `SELECT count(DISTINCT conrelid) FROM pg_constraint WHERE contype = 'f' AND convalidated AND confrelid = 'app.p'::regclass`).Scan(&tables)
			if reads++; err != nil || tables != 42 {
				l.t.Errorf("%d tables have a valid foreign key: %v", tables, err)
			}
		}
	})
	return func() int {
		cancel()
		all.Wait()
		return reads
	}
}

// Before each action an application writes a child before its parent, with the foreign key deferred by its name, and a child without
// a parent, which fails at once.
func TestKeyOfDeferredReferences(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	l := newKeyLab(t, c, `CREATE TABLE app.c (p_id bigint CONSTRAINT k REFERENCES app.p DEFERRABLE, d_id bigint CONSTRAINT d REFERENCES app.p DEFERRABLE INITIALLY DEFERRED)`)
	l.key("p", "uuid")
	writes := func(id step.ID, a step.Action) error {
		l.exec("BEGIN; SET CONSTRAINTS app.k DEFERRED; INSERT INTO app.c VALUES (100, 101); INSERT INTO app.p (id) VALUES (100), (101); COMMIT; DELETE FROM app.c; DELETE FROM app.p WHERE id >= 100")
		if _, err := l.lab.app.Exec(t.Context(), "INSERT INTO app.c VALUES (100)"); code(err) != "23503" || !strings.Contains(err.Error(), `"k"`) {
			t.Errorf("before %s %q: %v", id, a.SQL(), err)
		}
		return nil
	}
	before := l.fingerprint()
	if err := errors.Join(l.up(t.Context(), writes), l.down(t.Context(), writes)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, l.fingerprint()); diff != "" {
		t.Errorf("after down (-want +got)\n%s", diff)
	}
}

// The application creates a foreign key onto the new primary key. The way back moves it to another unique index.
func TestKeyBackWithForeignKeyOfTheApplication(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	l := newKeyLab(t, c, children)
	k := l.key("p", "uuid")
	if err := l.up(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	l.exec("CREATE TABLE app.e (p_uuid uuid CONSTRAINT e_p REFERENCES app.p)")
	l.seen = nil
	if keys := k.Unmovable(l.view(t.Context(), k)); len(keys) > 0 {
		t.Errorf("unmovable: %v", keys)
	}
	if err := l.down(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := l.dependOn("p_uuid_key"); n != 2 {
		t.Errorf("%d foreign keys depend on the unique index of the uuid", n)
	}
}

// Without another index on the uuid the way back is not possible.
func TestKeyUnmovable(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	l := newKeyLab(t, c, `CREATE TABLE app.t (id bigint PRIMARY KEY, uuid uuid NOT NULL); CREATE TABLE app.c (id bigint, t_id bigint, CONSTRAINT k FOREIGN KEY (t_id) REFERENCES app.t) PARTITION BY LIST (id);
		CREATE TABLE app.mid PARTITION OF app.c DEFAULT PARTITION BY LIST (id); ALTER TABLE app.mid ADD FOREIGN KEY (id) REFERENCES app.t;
		CREATE TABLE app.r (id bigint PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE app.r1 PARTITION OF app.r DEFAULT; CREATE TABLE app.r_ref (a bigint CONSTRAINT top REFERENCES app.r, b bigint CONSTRAINT part REFERENCES app.r1);`)
	of := func(k step.Key) string {
		var names []string
		l.seen = nil
		for _, one := range k.Unmovable(l.view(t.Context(), k)) {
			names = append(names, one.Name)
		}
		return strings.Join(names, " ")
	}
	k, tree := l.key("t", "uuid"), l.key("r", "id")
	if got := of(k) + " " + of(tree); got != "mid_id_fkey top part" {
		t.Error(got)
	}
	l.exec("ALTER TABLE app.mid DROP CONSTRAINT mid_id_fkey")
	l.keys = l.keys[:1]
	if err := l.up(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	l.exec("CREATE TABLE app.e (t_uuid uuid CONSTRAINT e_t REFERENCES app.t)")
	if got := of(k); got != "e_t" {
		t.Error(got)
	}
	if err := l.down(t.Context(), nil); err == nil {
		t.Error("down, although a foreign key depends on the primary key")
	}
}

// The indexes that take a primary key's place are where it is, whatever default_tablespace says.
func TestKeyStaysInItsTablespace(t *testing.T) {
	majors := servertest.Versions(t)
	c := servertest.Cluster(t, majors[len(majors)-1])
	if c.Major < 15 {
		t.Skip("PostgreSQL has tablespaces in place from version 15 on, and only they need no directory of their own")
	}
	l := newKeyLab(t, c, `CREATE TABLE app.t (id bigint, k int, uuid uuid NOT NULL, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE app.t1 PARTITION OF app.t DEFAULT`)
	conn, err := l.lab.app.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"SET allow_in_place_tablespaces = on", "CREATE TABLESPACE fast LOCATION ''", "CREATE TABLESPACE slow LOCATION ''", "ALTER TABLE app.p DROP CONSTRAINT p_pkey",
		"ALTER TABLE app.p ADD PRIMARY KEY (id) USING INDEX TABLESPACE slow", "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_tablespace = fast', current_database()); END $$",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	conn.Release()
	l.pool.Reset()
	l.key("p", "uuid")
	l.key("t", "uuid", "k")
	l.upAndDown("tablespaces", func() {
		var other []string
		err := l.lab.app.QueryRow(t.Context(), `SELECT array_agg(relname::text) FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('i', 'I')
			AND reltablespace <> CASE WHEN relname IN ('p_pkey', 'p_id_key') THEN (SELECT oid FROM pg_tablespace WHERE spcname = 'slow') ELSE 0 END`).Scan(&other)
		if err != nil || other != nil {
			t.Errorf("in another tablespace: %q, %v", other, err)
		}
	})
}
