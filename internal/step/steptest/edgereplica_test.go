package steptest_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// What a subscription writes, which is in a session with session_replication_role = replica: rows of a publisher without the uuid
// column, and of one that has it and has not filled it yet.
func TestEdgeWritesOfPublisher(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, null := range []string{"", " NOT NULL"} {
			l := newLab(t, c, `CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint`+null+` REFERENCES app.p, role text);`)
			l.edge("c", "p_id", "p", func(e *step.Edge) { e.Always, e.Required = true, false })
			l.mustUp()
			const replica = "SET LOCAL session_replication_role = replica; "
			writes := []edgeWrite{
				{replica + "INSERT INTO c (id, p_id) VALUES (100, 4)", "100:4=4", 0},
				{replica + "INSERT INTO c (id, p_id, p_uuid) VALUES (100, 4, NULL)", "100:4=4", 0},
				{replica + begin + "UPDATE c SET p_id = 5", "100:5=5", 0},
				{replica + begin + "UPDATE c SET role = 'x', p_id = 4, p_uuid = NULL", "100:4=4", 0},
				{replica + begin + "UPDATE c SET p_id = 5, p_uuid = NULL", "100:5=5", 0},
				{replica + begin + "UPDATE c SET p_id = 5, p_uuid = u(5)", "100:5=5", 0},
				{replica + begin + "UPDATE c SET p_id = 4, p_uuid = u(96)", "100:4=6", 0}, // no such parent, yet
				{replica + "INSERT INTO c (id, p_id, p_uuid) VALUES (100, 4, u(96))", "100:4=6", 0},
			}
			if null == "" {
				writes = append(writes,
					edgeWrite{replica + begin + "UPDATE c SET p_id = NULL", "100:-=-", 0},
					edgeWrite{replica + begin + "UPDATE c SET p_id = NULL, p_uuid = NULL", "100:-=-", 0},
					edgeWrite{replica + "INSERT INTO c (id, p_id) VALUES (100, 97)", "100:97=-", 0})
			}
			l.exec("DELETE FROM app.c")
			l.check(writes, "c", "p_id", "p_uuid")
		}
	})
}
