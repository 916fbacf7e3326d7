package steptest_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// The AFTER trigger writes the child as the parent's owner. Once the child belongs to another role, it fires none of that
// role's triggers. Columns with the names of the function's variables are no matter.
func TestEdgeOfAnotherOwner(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		roles := strings.NewReplacer("{owner}", "edge_giver", "{writer}", "edge_w4", "{stranger}", "edge_taker")
		l := newLab(t, c, roles.Replace(trustLab)+`DROP TABLE app.c; GRANT CREATE ON SCHEMA app TO edge_taker; CREATE TABLE app.seen (who text); GRANT ALL ON app.seen TO PUBLIC;
			CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint REFERENCES app.p DEFERRABLE INITIALLY DEFERRED, found_uuid uuid, found_key bigint, by_key int, by_uuid int);
			ALTER TABLE app.c OWNER TO edge_giver; GRANT REFERENCES ON app.p TO edge_taker;`)
		t.Cleanup(func() { l.dropRoles(roles) })
		l.owner = "edge_giver"
		l.edge("c", "p_id", "p")
		l.mustUp()
		const childFirst = "SET CONSTRAINTS ALL DEFERRED; INSERT INTO c (id, p_id) VALUES (100, 20); INSERT INTO p (id, uuid) VALUES (20, u(20)); SET CONSTRAINTS ALL IMMEDIATE"
		l.check([]edgeWrite{{childFirst, "100:20=0", 0}}, "c", "p_id", "p_uuid")
		l.exec(`ALTER TABLE app.c OWNER TO edge_taker; SET ROLE edge_taker;
			CREATE FUNCTION app.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO app.seen VALUES (current_user); RETURN NEW; END';
			CREATE TRIGGER spy BEFORE UPDATE ON app.c FOR EACH ROW EXECUTE FUNCTION app.spy(); RESET ROLE`)
		l.check([]edgeWrite{
			{childFirst + "; UPDATE c SET by_key = (SELECT count(*) FROM seen) WHERE id = 100; UPDATE c SET id = 99 WHERE by_key > 0", "100:20=-", 0},
		}, "c", "p_id", "p_uuid")
	})
}
