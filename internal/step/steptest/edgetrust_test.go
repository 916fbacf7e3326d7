package steptest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// trustLab is a child that a writer without any right on the parent may write. Default privileges would let a stranger
// execute every new function.
const trustLab = `
	CREATE ROLE {owner}; CREATE ROLE {writer}; CREATE ROLE {stranger};
	GRANT USAGE, CREATE ON SCHEMA app TO {owner}; GRANT USAGE ON SCHEMA app TO {writer}, {stranger};
	ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT ALL ON FUNCTIONS TO {stranger};
	ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA app GRANT ALL ON FUNCTIONS TO {stranger};
	CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint REFERENCES app.p, role text);
	ALTER TABLE app.p OWNER TO {owner}; ALTER TABLE app.c OWNER TO {owner};
	ALTER TABLE app.p ENABLE ROW LEVEL SECURITY;
	GRANT INSERT, UPDATE, SELECT ON app.c TO {writer};`

// The trigger function runs with the rights of the parent's owner, and no other role can use them.
func TestEdgeTrust(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		// Roles are shared by the databases of a server.
		roles := strings.NewReplacer("{owner}", "edge_owner", "{writer}", "edge_writer", "{stranger}", "edge_stranger")
		l := newLab(t, c, roles.Replace(trustLab))
		t.Cleanup(func() { l.dropRoles(roles) })
		l.owner = "edge_owner"
		l.edge("c", "p_id", "p")
		l.mustUp()
		const asWriter, asStranger = "SET LOCAL ROLE edge_writer; ", "SET LOCAL ROLE edge_stranger; "
		l.check([]edgeWrite{
			{asWriter + "INSERT INTO c (id, p_id) VALUES (100, 3); UPDATE c SET p_id = 4 WHERE id = 100", "100:4=4", 0},
			{asWriter + "INSERT INTO c (id, p_uuid) VALUES (100, '00000000-0000-7000-8000-000000000003')", "100:3=3", 0},
			{asWriter + "SELECT FROM p", "42501", 0},
			// Attached to a table of his own, the function would reveal to a stranger the uuid of every integer.
			{asStranger + "CREATE TEMP TABLE s (p_id bigint, p_uuid uuid); CREATE TRIGGER s BEFORE INSERT ON s FOR EACH ROW EXECUTE FUNCTION app.rekey_c_p_id()", "42501", 0},
			{asWriter + "CREATE TEMP TABLE s (p_id bigint, p_uuid uuid); CREATE TRIGGER s BEFORE INSERT ON s FOR EACH ROW EXECUTE FUNCTION app.rekey_c_p_id()", "42501", 0},
			// Only the owner may write around the look-up.
			{"INSERT INTO c (id) VALUES (100); ALTER TABLE c DISABLE TRIGGER USER; UPDATE c SET p_id = 3; ALTER TABLE c ENABLE TRIGGER USER; " + asWriter +
				"SET LOCAL rekey.fill = 'on'; UPDATE c SET p_uuid = '00000000-0000-7000-8000-000000000004'", "100:4=4", 0},
			{"INSERT INTO c (id) VALUES (100); ALTER TABLE c DISABLE TRIGGER USER; UPDATE c SET p_id = 3; ALTER TABLE c ENABLE TRIGGER USER; " +
				"SET LOCAL rekey.fill = 'on'; SET LOCAL ROLE edge_owner; UPDATE c SET p_uuid = '00000000-0000-7000-8000-000000000003'", "100:3=3", 0},
		}, "c", "p_id", "p_uuid")
		l.testHostileOperator()
	})
}

// testHostileOperator puts an operator before PostgreSQL's own in the writer's search_path, and a table of the parent's name
// into his temporary schema.
func (l *lab) testHostileOperator() {
	l.t.Helper()
	l.exec(`CREATE SCHEMA evil; CREATE TABLE app.seen (who text); GRANT ALL ON app.seen TO PUBLIC; GRANT USAGE ON SCHEMA evil TO PUBLIC;
		CREATE FUNCTION evil.eq(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO app.seen VALUES (current_user); RETURN true; END';
		CREATE FUNCTION evil.eq(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO app.seen VALUES (current_user); RETURN true; END';
		CREATE OPERATOR evil.= (FUNCTION = evil.eq, LEFTARG = bigint, RIGHTARG = bigint);
		CREATE OPERATOR evil.= (FUNCTION = evil.eq, LEFTARG = uuid, RIGHTARG = uuid);`)
	l.check([]edgeWrite{
		{`SET LOCAL ROLE edge_writer; CREATE TEMP TABLE p (id bigint, uuid uuid); INSERT INTO p VALUES (3, '00000000-0000-7000-8000-000000000009');
			SET LOCAL search_path = evil, pg_temp, app, pg_catalog; INSERT INTO app.c (id, p_id) VALUES (100, 3); UPDATE app.c SET p_uuid = '00000000-0000-7000-8000-000000000004' WHERE id > 99;
			RESET ROLE; SET LOCAL search_path = app; DELETE FROM c WHERE EXISTS (SELECT FROM seen)`, "100:4=4", 0},
	}, "c", "p_id", "p_uuid")
}

// The child's owner can forge the mark of a column and triggers of the edge's names. A superuser's run then neither drops nor
// replaces a function that is somebody else's.
func TestEdgeForgedMark(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		roles := strings.NewReplacer("{owner}", "edge_forger", "{writer}", "edge_w3", "{stranger}", "edge_s3")
		l := newLab(t, c, roles.Replace(trustLab)+"ALTER TABLE app.p OWNER TO postgres; GRANT CREATE ON SCHEMA app TO edge_s3;")
		t.Cleanup(func() { l.dropRoles(roles) })
		l.owner = "postgres"
		l.edge("c", "p_id", "p", func(e *step.Edge) { e.ChildFirst = false })
		for _, forged := range []string{
			"ALTER FUNCTION app.rekey_c_p_id() OWNER TO edge_s3",
			"COMMENT ON FUNCTION app.rekey_c_p_id() IS 'of the application'",
		} {
			l.mustUp()
			l.exec(forged)
			if err := l.down(t.Context(), nil); err != nil {
				t.Error(err)
			}
			if err := l.up(t.Context(), nil); code(err) != "42723" {
				t.Errorf("%s: the function was dropped or replaced: %v", forged, err)
			}
			l.exec("DROP FUNCTION app.rekey_c_p_id()")
		}
	})
}

// dropRoles drops the roles of a test, which the databases of a server share, after the test.
func (l *lab) dropRoles(roles *strings.Replacer) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, l.url)
	if err == nil {
		_, err = conn.Exec(ctx, roles.Replace("DROP OWNED BY {stranger}; DROP OWNED BY {writer}; DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}, {writer}, {stranger}"))
		_ = conn.Close(ctx)
	}
	if err != nil {
		l.t.Error(err)
	}
}

// The owner of the tables, who is no superuser, can run an edge.
func TestEdgeAsOwner(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		roles := strings.NewReplacer("{owner}", "edge_plain", "{writer}", "edge_w2", "{stranger}", "edge_s2")
		l := newLab(t, c, roles.Replace(trustLab)+"INSERT INTO app.c SELECT n, n FROM generate_series(1, 5) n;")
		t.Cleanup(func() { l.dropRoles(roles) })
		l.actAs("edge_plain")
		l.edge("c", "p_id", "p")
		l.mustUp()
		l.check([]edgeWrite{{"SET LOCAL ROLE edge_w2; INSERT INTO c (id, p_id) VALUES (100, 3)", "100:3=3", 0}}, "c", "p_id", "p_uuid")
		if err := l.down(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
}
