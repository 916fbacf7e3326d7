package acceptance

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/server"
)

// keySQL has primary keys of every kind that switch: one with four children, one of which is the table itself, one with a deferrable
// foreign key, a composite one, one of a join table, and one of a partitioned table.
const keySQL = `CREATE SCHEMA app;
	CREATE TABLE app.users (id bigserial PRIMARY KEY, boss_id bigint REFERENCES app.users ON DELETE SET NULL);
	CREATE INDEX ON app.users (boss_id);
	CREATE TABLE app.posts (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES app.users ON DELETE CASCADE,
		parent_id bigint REFERENCES app.posts DEFERRABLE INITIALLY DEFERRED);
	CREATE TABLE app.teams (org int, id bigserial, PRIMARY KEY (org, id));
	CREATE TABLE app.members (org int, team_id bigint, user_id bigint REFERENCES app.users ON DELETE CASCADE,
		PRIMARY KEY (org, team_id, user_id), FOREIGN KEY (org, team_id) REFERENCES app.teams);
	CREATE TABLE app.events (id bigserial, kind int, user_id bigint REFERENCES app.users, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
	CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES IN (1);
	CREATE TABLE app.events_2 PARTITION OF app.events FOR VALUES IN (2);
	COMMENT ON CONSTRAINT users_pkey ON app.users IS 'people';
	ALTER TABLE app.posts CLUSTER ON posts_pkey;
	INSERT INTO app.users (boss_id) SELECT n FROM generate_series(1, 20) n;
	INSERT INTO app.posts (user_id, parent_id) SELECT n, n FROM generate_series(1, 20) n;
	INSERT INTO app.teams (org) SELECT 1 FROM generate_series(1, 5);
	INSERT INTO app.members SELECT 1, 1 + n % 5, n FROM generate_series(1, 20) n;
	INSERT INTO app.events (kind, user_id) SELECT 1 + n % 2, 1 + n % 9 FROM generate_series(1, 20) n`

// references are the columns of foreign keys in keySQL, with the tables that they refer to.
func references() [][3]string {
	return [][3]string{
		{"users", "boss", "users"},
		{"posts", "user", "users"},
		{"posts", "parent", "posts"},
		{"members", "team", "teams"},
		{"members", "user", "users"},
		{"events", "user", "users"},
		{"events_1", "user", "users"},
		{"events_2", "user", "users"},
	}
}

// write is a statement of an application, and its SQLSTATE.
type write struct{ sql, code string }

// orphan is the SQLSTATE of a row that refers to no parent, or whose parent goes.
const orphan = "23503"

// byIntegers are writes of an application that knows only integers.
func byIntegers() []write {
	return []write{
		{"INSERT INTO app.users (boss_id) VALUES (2)", ""},
		{"INSERT INTO app.users (boss_id) VALUES (999)", orphan},
		{"WITH p AS (INSERT INTO app.posts (id, user_id, parent_id) VALUES (1001, 2, 1002)) INSERT INTO app.posts (id, user_id) VALUES (1002, 3)", ""},
		{"INSERT INTO app.posts (user_id) VALUES (999)", orphan},
		{"INSERT INTO app.posts (user_id, parent_id) VALUES (2, 999)", orphan},
		{"INSERT INTO app.teams (org) VALUES (1)", ""},
		{"INSERT INTO app.members VALUES (1, 1, 1)", ""},
		{"INSERT INTO app.members VALUES (1, 999, 1)", orphan},
		{"INSERT INTO app.members VALUES (1, 2, 999)", orphan},
		{"INSERT INTO app.events (kind, user_id) VALUES (2, 3)", ""},
		{"INSERT INTO app.events (kind, user_id) VALUES (2, 999)", orphan},
		{"UPDATE app.posts SET user_id = 5, parent_id = 6 WHERE id = 3", ""},
		{"UPDATE app.events SET user_id = 5, kind = 2 WHERE id = 2", ""},
		{"DELETE FROM app.users WHERE id = 2", orphan}, // events refer to it
		{"DELETE FROM app.users WHERE id = 15", ""},
		{"DELETE FROM app.teams WHERE id = 3", orphan},
		{"INSERT INTO app.users (id) VALUES (7)", "23505"},
		{"INSERT INTO app.users (id) VALUES (7) ON CONFLICT (id) DO UPDATE SET boss_id = 3", ""},
		{"INSERT INTO app.members VALUES (1, 2, 1)", "23505"},
	}
}

// byUUIDs are the writes of an application that knows only uuids. The rows have the same places in each table.
func byUUIDs() []write {
	const unknown = "'00000000-0000-7000-8000-000000000000'"
	user, post, team := nth("users"), nth("posts"), nth("teams")
	return []write{
		{"INSERT INTO app.users (boss_uuid) VALUES (" + user(2) + ")", ""},
		{"INSERT INTO app.users (boss_uuid) VALUES (" + unknown + ")", orphan},
		{"INSERT INTO app.posts (user_uuid, parent_uuid) VALUES (" + user(2) + ", " + post(3) + ")", ""},
		{"INSERT INTO app.posts (user_uuid) VALUES (" + unknown + ")", orphan},
		{"INSERT INTO app.posts (user_uuid, parent_uuid) VALUES (" + user(2) + ", " + unknown + ")", orphan},
		{"INSERT INTO app.teams (org) VALUES (1)", ""},
		{"INSERT INTO app.members (org, team_uuid, user_uuid) VALUES (1, " + team(1) + ", " + user(1) + ")", ""},
		{"INSERT INTO app.members (org, team_uuid, user_uuid) VALUES (1, " + unknown + ", " + user(1) + ")", orphan},
		{"INSERT INTO app.members (org, team_uuid, user_uuid) VALUES (1, " + team(2) + ", " + unknown + ")", orphan},
		{"INSERT INTO app.members (org, team_uuid, user_uuid) VALUES (1, " + team(2) + ", " + user(1) + ")", "23505"},
		{"INSERT INTO app.events (kind, user_uuid) VALUES (2, " + user(3) + ")", ""},
		{"INSERT INTO app.events (kind, user_uuid) VALUES (2, " + unknown + ")", orphan},
		{"UPDATE app.posts SET user_uuid = " + user(5) + ", parent_uuid = " + post(6) + " WHERE uuid = " + post(3), ""},
		{"UPDATE app.events SET user_uuid = " + user(5) + " WHERE uuid = " + nth("events")(2), ""},
		{"DELETE FROM app.users WHERE uuid = " + user(2), orphan},
		{"DELETE FROM app.users WHERE uuid = " + user(15), ""},
		{"DELETE FROM app.teams WHERE uuid = " + team(3), orphan},
	}
}

// nth returns the uuid of the n-th row of a table: uuids are in the order of the keys.
func nth(table string) func(n int) string {
	return func(n int) string {
		return "(SELECT uuid FROM app." + table + " ORDER BY uuid OFFSET " + string(rune('0'+(n-1)/10)) + string(rune('0'+(n-1)%10)) + " LIMIT 1)"
	}
}

// unprovedSQL returns the references with a row whose two columns differ.
func unprovedSQL() string {
	var each []string
	for _, r := range references() {
		each = append(each, "SELECT '"+r[0]+"."+r[1]+"' FROM app."+r[0]+" c LEFT JOIN app."+r[2]+" p ON p.id = c."+r[1]+"_id WHERE c."+r[1]+"_uuid IS DISTINCT FROM p.uuid")
	}
	return "SELECT coalesce(string_agg(DISTINCT r, ', '), '') FROM (" + strings.Join(each, " UNION ALL ") + ") AS d(r)"
}

// unguardedSQL returns the columns of references that exist and have no valid foreign key, or one with a disabled trigger.
const unguardedSQL = `SELECT coalesce(string_agg(r.t || '.' || a.attname, ', '), '') FROM unnest($1::text[], $2::text[]) AS r(t, c)
	JOIN pg_attribute a ON a.attrelid = to_regclass(r.t) AND NOT a.attisdropped AND a.attname IN (r.c || '_id', r.c || '_uuid')
	WHERE NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.convalidated AND a.attnum = ANY (f.conkey)
		AND coalesce(to_jsonb(f) ->> 'conenforced', 'true') = 'true' AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = f.oid)
		AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = f.oid AND t.tgenabled <> 'O'))`

// guarded checks that each reference has a valid foreign key, that foreign keys and unique keys are enforced, and that the applications
// can write.
func guarded(applications ...[]write) func(t *testing.T, conn *pgx.Conn) {
	return func(t *testing.T, conn *pgx.Conn) {
		t.Helper()
		var tables, columns []string
		for _, r := range references() {
			tables, columns = append(tables, "app."+r[0]), append(columns, r[1])
		}
		var bare string
		if err := conn.QueryRow(t.Context(), unguardedSQL, tables, columns).Scan(&bare); err != nil || bare != "" {
			t.Errorf("without a valid foreign key: %s %v", bare, err)
		}
		for _, writes := range applications {
			for _, w := range writes {
				tried(t, conn, w, len(applications) > 1)
			}
		}
	}
}

// tried executes a write and rolls it back.
func tried(t *testing.T, conn *pgx.Conn, w write, both bool) {
	t.Helper()
	sql := "BEGIN; " + w.sql + "; SET CONSTRAINTS ALL IMMEDIATE"
	if both {
		sql += "; " + unprovedSQL()
	}
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	code := ""
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		code = refused.Code
	}
	if code != w.code {
		t.Errorf("%s: %v, want SQLSTATE %q", w.sql, err, w.code)
	} else if err == nil && both {
		if differ := string(results[len(results)-1].Rows[0][0]); differ != "" {
			t.Errorf("%s: both columns differ in %s", w.sql, differ)
		}
	}
	if _, err := conn.Exec(context.WithoutCancel(t.Context()), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
}

func switchWords() []string {
	return []string{"up", "--schema", "app", "--to", "switched", "--accept", "group-by,on-conflict-constraint,on-conflict-race"}
}

func contractWords() []string {
	return []string{"up", "--schema", "app", "--to", "contracted", "--confirm", "app", "--soak", "0s", "--accept", "integer-reads,lost-objects"}
}

// Switch, its way back and contract are killed with SIGKILL before a statement. Every foreign key is then enforced, both applications
// can write, during contract the one with uuids alone, and the same command reaches the same end.
func TestKilledBeforeEveryStatementOfKeys(t *testing.T) {
	on(t, func(t *testing.T, c *server.Cluster) {
		linked := template(t, c, "acceptance_keys_linked", keySQL, upWords())
		switched := template(t, c, "acceptance_keys_switched", keySQL, upWords(), switchWords())
		for _, k := range []*killing{
			{words: switchWords(), template: linked, between: guarded(byIntegers(), byUUIDs())},
			{words: []string{"down", "--schema", "app", "--to", "linked"}, template: switched, between: guarded(byIntegers(), byUUIDs())},
			{words: contractWords(), template: switched, between: guarded(byUUIDs())},
		} {
			k.c, k.samples = c, 1
			k.killAll(t)
		}
	})
}
