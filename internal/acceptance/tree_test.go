package acceptance

import (
	"slices"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

const treeSQL = `CREATE SCHEMA app;
	CREATE TABLE app.p (id bigserial PRIMARY KEY, n int NOT NULL DEFAULT 0);
	CREATE TABLE app.tree (area int NOT NULL, id bigserial, p_id bigint NOT NULL REFERENCES app.p, n int NOT NULL DEFAULT 0, PRIMARY KEY (area, id)) PARTITION BY LIST (area);
	DO $$ BEGIN
		FOR i IN 0..99 LOOP
			EXECUTE format('CREATE TABLE app.tree_%s PARTITION OF app.tree FOR VALUES IN (%s)', i, i);
		END LOOP;
	END $$;
	CREATE INDEX ON app.tree (p_id);
	INSERT INTO app.p SELECT generate_series(1, 1000);
	INSERT INTO app.tree (area, p_id) SELECT n % 100, 1 + n % 1000 FROM generate_series(1, 100000) n;
	ANALYZE`

// The primary key of a tree of a hundred partitions switches and goes back, while an application writes. The lines are figures.
func TestSwitchOfATree(t *testing.T) {
	if !long() {
		t.Skip("it measures: REKEY_ACCEPTANCE=1")
	}
	const rounds = 3
	on(t, func(t *testing.T, c *server.Cluster) {
		r := trip{t, servertest.Pool(t, servertest.Database(t, c).URL+"&pool_max_conns=12"), "app", "10", c.Major}
		servertest.Execute(t, r.pool, treeSQL)
		r.run("up", rekey.Linked)
		linked := r.catalogue()
		w := startWriter(t.Context(), r.pool, "INSERT INTO app.tree (area, p_id) VALUES ($1::int % 100, $1)", "UPDATE app.tree SET n = n + 1 WHERE area = $1::int % 100 AND id = $1")
		var up, down []time.Duration
		for range rounds {
			up = append(up, slices.Max(r.run("up", rekey.Switched).swap))
			down = append(down, slices.Max(r.run("down", rekey.Linked).swap))
		}
		w.end(t)
		r.same("back in phase linked", linked)
		t.Logf("acceptance 10: PostgreSQL %d, ACCESS EXCLUSIVE on a tree of 100 partitions for the swap, shortest of %d: %.1f ms, for the way back %.1f ms; application: %d statements, longest %.1f ms",
			c.Major, rounds, milliseconds(slices.Min(up)), milliseconds(slices.Min(down)), w.count, milliseconds(w.longest))
	})
}
