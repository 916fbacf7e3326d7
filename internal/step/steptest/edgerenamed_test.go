package steptest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// edgeRename is what an application renames, and the names after it: child, integer, uuid, parent, key and the parent's uuid.
type edgeRename struct{ sql, names string }

// edgeRenames are renames that a foreign key survives.
func edgeRenames() []edgeRename {
	return []edgeRename{
		{"ALTER TABLE app.p RENAME TO p2", "app.c p_id p_uuid app.p2 id uuid"},
		{"ALTER TABLE app.p SET SCHEMA other", "app.c p_id p_uuid other.p id uuid"},
		{"ALTER SCHEMA app RENAME TO app2", "app2.c p_id p_uuid app2.p id uuid"},
		{"ALTER TABLE app.p RENAME id TO no", "app.c p_id p_uuid app.p no uuid"},
		{"ALTER TABLE app.p RENAME uuid TO public_id", "app.c p_id p_uuid app.p id public_id"},
		{"ALTER TABLE app.c RENAME TO c2", "app.c2 p_id p_uuid app.p id uuid"},
		{"ALTER TABLE app.c SET SCHEMA other", "other.c p_id p_uuid app.p id uuid"},
		{"ALTER TABLE app.c RENAME p_id TO a", "app.c a p_uuid app.p id uuid"},
		{"ALTER TABLE app.c RENAME p_uuid TO b", "app.c p_id b app.p id uuid"},
		{
			`ALTER TABLE app.p RENAME id TO "the Key"; ALTER TABLE app.p RENAME uuid TO id; ALTER TABLE app.p RENAME TO "P"; ALTER TABLE app.c RENAME p_id TO x;
			ALTER TABLE app.c RENAME p_uuid TO p_id; ALTER TABLE app.c RENAME TO p`, `app.p x p_id app."P" "the:Key" id`,
		},
		{"ALTER TABLE app.p RENAME id TO x; ALTER TABLE app.p RENAME uuid TO id; ALTER TABLE app.p RENAME x TO uuid", "app.c p_id p_uuid app.p uuid id"},
		{"ALTER TABLE app.c RENAME p_id TO x; ALTER TABLE app.c RENAME p_uuid TO p_id; ALTER TABLE app.c RENAME x TO p_uuid", "app.c p_uuid p_id app.p id uuid"},
		{"CREATE TEMP TABLE p (id bigint, uuid uuid); INSERT INTO pg_temp.p SELECT n, gen_random_uuid() FROM generate_series(1, 9) n; ALTER TABLE app.p RENAME TO p3", "app.c p_id p_uuid app.p3 id uuid"},
	}
}

// renamedWrites writes the reference in every way. The last statements are the rows, and those whose columns disagree.
const renamedWrites = `INSERT INTO {c} ({k}, v) VALUES (1, 'a'), (2, 'b');
	INSERT INTO {c} ({u}, v) SELECT p.{pu}, 'c' FROM {p} p WHERE p.{pk} = 3;
	INSERT INTO {c} ({k}, {u}, v) SELECT 4, p.{pu}, 'd' FROM {p} p WHERE p.{pk} = 4;
	UPDATE {c} SET {k} = 5 WHERE v = 'a';
	UPDATE {c} SET {u} = (SELECT p.{pu} FROM {p} p WHERE p.{pk} = 6) WHERE v = 'b';
	UPDATE {c} SET note = 'kept' WHERE v = 'c'`

// The triggers go on after a rename, as foreign keys do, also in sessions that have called them before. Errors stay errors.
func TestRenamedEdge(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		l := newLab(t, c, `CREATE SCHEMA other; CREATE DOMAIN app.word AS text CHECK (value <> '');
			CREATE TABLE app.c (id bigserial PRIMARY KEY, p_id int NOT NULL REFERENCES app.p, v app.word, note text DEFAULT 'new', twice text GENERATED ALWAYS AS (note || note) STORED);
			INSERT INTO app.c (p_id) SELECT 9 FROM generate_series(1, 3)`)
		l.edge("c", "p_id", "p")
		l.mustUp()
		session, err := l.app.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer session.Release()
		for _, rename := range edgeRenames() {
			names := strings.Fields(rename.names)
			with := strings.NewReplacer("{c}", names[0], "{k}", names[1], "{u}", names[2], "{p}", names[3], "{pk}", strings.ReplaceAll(names[4], ":", " "), "{pu}", names[5])
			tx, err := session.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			rows := ""
			read := with.Replace(`SELECT string_agg(c.v || c.{k} || c.note || coalesce(c.twice, ''), ' ' ORDER BY c.v) || ' ' || count(*) FILTER (WHERE c.{u} IS DISTINCT FROM p.{pu})
				FROM {c} c LEFT JOIN {p} p ON p.{pk} = c.{k} WHERE c.v <> ''`)
			_, err = tx.Exec(t.Context(), "INSERT INTO app.c (p_id) VALUES (1); UPDATE app.c SET p_id = 2;"+rename.sql+";"+with.Replace(renamedWrites))
			if err == nil {
				err = tx.QueryRow(t.Context(), read).Scan(&rows)
			}
			if diff := cmp.Diff("a5newnewnew b6newnewnew c3keptkeptkept d4newnewnew 0", rows); err != nil || diff != "" {
				t.Errorf("%s: %v %s", rename.sql, err, diff)
			}
			for sql, want := range map[string]string{
				"INSERT INTO {c} ({k}) VALUES (99)": "23503", "INSERT INTO {c} ({u}) VALUES ('00000000-0000-7000-8000-000000000099')": "23503",
				"INSERT INTO {c} ({k}, {u}) SELECT 1, p.{pu} FROM {p} p WHERE p.{pk} = 2": "23000", "INSERT INTO {c} (v) VALUES ('')": "23514",
			} {
				if _, err := tx.Exec(t.Context(), "SAVEPOINT s; "+with.Replace(sql)); code(err) != want {
					t.Errorf("%s: %s: %v, want %s", rename.sql, sql, err, want)
				}
				if _, err := tx.Exec(t.Context(), "ROLLBACK TO s"); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A reference of a table to itself is followed too, and one whose uuid foreign key does not exist yet by the names of its uuids.
func TestRenamedSelfReference(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		l := newLab(t, c, "CREATE TABLE app.c (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), p_id bigint REFERENCES app.c, c_id bigint REFERENCES app.p)")
		l.edge("c", "p_id", "c")
		l.edge("c", "c_id", "p")
		l.mustUp()
		l.exec("ALTER TABLE app.c DROP CONSTRAINT c_c_uuid_fkey")
		l.exec(`ALTER TABLE app.c RENAME TO d; ALTER TABLE app.d RENAME id TO no; ALTER TABLE app.d RENAME uuid TO u; ALTER TABLE app.p RENAME TO q;
			INSERT INTO app.d (no, p_id, c_id) VALUES (1, 1, 3); INSERT INTO app.d (no, p_id) VALUES (2, 1);
			INSERT INTO app.d (p_uuid, no, c_uuid, u) VALUES (app.u(3), 3, app.u(4), app.u(3)); INSERT INTO app.d (no, p_uuid) VALUES (4, app.u(3))`)
		rows := ""
		err := l.app.QueryRow(t.Context(), `SELECT string_agg(concat(d.no, ':', d.p_id, ':', d.c_id, ':', d.p_uuid = p.u, d.c_uuid = q.uuid), ' ' ORDER BY d.no)
			FROM app.d d LEFT JOIN app.d p ON p.no = d.p_id LEFT JOIN app.q q ON q.id = d.c_id`).Scan(&rows)
		if diff := cmp.Diff("1:1:3:tt 2:1::t 3:3:4:tt 4:3::t", rows); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

// Only tables of the function's owner are followed: the owner of a child cannot lead the look-up, with the rights of the parent's
// owner, to another table.
func TestRenamedEdgeOfOthers(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		l := newLab(t, c, `CREATE ROLE renamed_owner; CREATE ROLE renamed_other; CREATE ROLE renamed_nobody; GRANT ALL ON SCHEMA app TO renamed_owner, renamed_other; GRANT ALL ON app.p TO renamed_other;
			CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint NOT NULL REFERENCES app.p, v text);
			CREATE TABLE app.secret (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE); INSERT INTO app.secret VALUES (7, gen_random_uuid());
			ALTER TABLE app.p OWNER TO renamed_owner; ALTER TABLE app.secret OWNER TO renamed_owner; GRANT REFERENCES ON app.secret TO renamed_other`)
		t.Cleanup(func() {
			l.dropRoles(strings.NewReplacer("{owner}", "renamed_owner", "{writer}", "renamed_other", "{stranger}", "renamed_nobody"))
		})
		l.owner = "renamed_owner"
		l.edge("c", "p_id", "p")
		l.mustUp()
		l.exec(`ALTER TABLE app.c OWNER TO renamed_other; GRANT SELECT, INSERT ON app.c TO renamed_other; ALTER TABLE app.c DROP CONSTRAINT c_p_uuid_fkey;`)
		const toSecret = `ALTER TABLE app.c DROP CONSTRAINT c_p_id_fkey, ADD CONSTRAINT c_p_id_fkey FOREIGN KEY (p_id) REFERENCES app.secret,
			ADD CONSTRAINT c_p_uuid_fkey FOREIGN KEY (p_uuid) REFERENCES app.secret (uuid);`
		for _, sql := range []string{
			"SET LOCAL ROLE renamed_other; " + toSecret + "ALTER TABLE app.c RENAME p_id TO x; INSERT INTO app.c (id, x) VALUES (1, 7)",
			"ALTER TABLE app.p RENAME TO q; SET LOCAL ROLE renamed_other; " + toSecret + "INSERT INTO app.c (id, p_id) VALUES (1, 7)",
		} {
			err := pgx.BeginFunc(t.Context(), l.app, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), sql)
				return err
			})
			if state := code(err); state != "42P01" && state != "42703" {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
}
