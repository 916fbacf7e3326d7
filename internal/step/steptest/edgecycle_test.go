package steptest_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// Two tables refer to each other. Whichever row is written first, by whichever key, no row has one side only.
func TestEdgeWritesCyclic(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, deferrable := range []string{"", " DEFERRABLE INITIALLY DEFERRED"} {
			l := newLab(t, c, `CREATE TABLE app.c (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), p_id bigint REFERENCES app.p`+deferrable+`);
				ALTER TABLE app.p ADD c_id bigint REFERENCES app.c`+deferrable)
			l.edge("c", "p_id", "p")
			l.edge("p", "c_id", "c")
			l.mustUp()
			writes := []string{
				"WITH a AS (INSERT INTO c (id, uuid, p_id) VALUES (100, u(8002), 200)) INSERT INTO p (id, uuid, c_id) VALUES (200, u(8001), 100)",
				"WITH a AS (INSERT INTO c (id, uuid, p_uuid) VALUES (100, u(8002), u(8001))) INSERT INTO p (id, uuid, c_uuid) VALUES (200, u(8001), u(8002))",
				"WITH a AS (INSERT INTO p (id, uuid, c_id) VALUES (200, u(8001), 100)) INSERT INTO c (id, uuid, p_uuid) VALUES (100, u(8002), u(8001))",
				"INSERT INTO c (id, uuid) VALUES (100, u(8002)); INSERT INTO p (id, uuid, c_uuid) VALUES (200, u(8001), u(8002)); UPDATE c SET p_id = 200 WHERE id = 100",
			}
			if deferrable != "" {
				writes = append(writes,
					"INSERT INTO c (id, uuid, p_id) VALUES (100, u(8002), 200); INSERT INTO p (id, uuid, c_id) VALUES (200, u(8001), 100)",
					"INSERT INTO c (id, uuid, p_uuid) VALUES (100, u(8002), u(8001)); INSERT INTO p (id, uuid, c_uuid) VALUES (200, u(8001), u(8002))",
					"INSERT INTO p (id, uuid, c_uuid) VALUES (200, u(8001), u(8002)); INSERT INTO c (id, uuid, p_id) VALUES (100, u(8002), 200)")
			}
			for _, sql := range writes {
				l.check([]edgeWrite{{sql, "100:200=1", 0}}, "c", "p_id", "p_uuid")
				l.check([]edgeWrite{{sql, "200:100=2", 0}}, "p", "c_id", "c_uuid")
			}
			if err := l.down(t.Context(), nil); err != nil {
				t.Error(err)
			}
		}
	})
}
