package probe

import (
	"context"
	"testing"

	"github.com/rekey-pg/rekey/internal/impact"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestCausesAreNamed provokes an autovacuum of the table and a checkpoint on a real server, and checks that a role without any privilege
// sees each of them as the cause of a wait, and none before.
func TestCausesAreNamed(t *testing.T) {
	majors := servertest.Versions(t)
	installation, err := server.Find(t.Context(), majors[len(majors)-1])
	if err != nil {
		t.Fatal(err)
	}
	c, err := server.Start(t.Context(), installation, server.Options{Memory: true, Settings: map[string]string{"autovacuum_naptime": "1s"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
	pool, admin := newPool(t, c, "probing")
	servertest.Execute(t, admin, `ALTER TABLE t SET (autovacuum_enabled = off); INSERT INTO t SELECT generate_series(1, 20000)`)
	var r recorder
	var causes impact.Causes
	var cause string
	config := r.config(pool, c.Major)
	config.Activity = func(a impact.Activity) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.activities, cause = append(r.activities, a), causes.Next(a)
	}
	p := Start(t.Context(), config)
	defer p.End()
	p.SetTable(table(t, admin))
	servertest.Execute(t, admin, "CHECKPOINT") // the probe's first ones are not the cause of anything
	r.await(t, "quiet server", func() bool { return len(r.activities) > 1 && cause == "" })
	servertest.Execute(t, admin, `DELETE FROM t WHERE id % 2 = 0; ALTER TABLE t SET (autovacuum_enabled = on, autovacuum_vacuum_cost_delay = 100,
		autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)`)
	r.await(t, "autovacuum", func() bool { return cause == impact.Autovacuum })
	servertest.Execute(t, admin, "CHECKPOINT")
	r.await(t, "checkpoint", func() bool { return cause == impact.Checkpoint })
}
