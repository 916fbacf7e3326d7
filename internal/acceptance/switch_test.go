package acceptance

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/server"
)

// plainShop returns the shop without partitions by id, whose primary key must hold the integer.
func plainShop(rows int) apps.Graph {
	g := apps.Shop("shop", rows)
	for i := range g.Tables {
		g.Tables[i].Parts = 0
	}
	return g
}

// Two applications work through switch, back, and switch again. Then the one that knows only integers ends, and so do the integers. The
// lines are figures; the suite's short form is the demo.
func TestTwoApplicationsThroughSwitch(t *testing.T) {
	if !long() {
		t.Skip("it measures: REKEY_ACCEPTANCE=1")
	}
	on(t, func(t *testing.T, c *server.Cluster) {
		g := plainShop(2000)
		_, idle := work(t, c, g, rekey.Linked)
		idle.Filled()
		time.Sleep(2 * restTime)
		idle.Stop()
		without := idle.Figures()
		t.Logf("acceptance 1: PostgreSQL %d, phase linked, no run: %s", c.Major, without)
		pool, traffic := work(t, c, g, rekey.Linked)
		traffic.Filled()
		r := trip{t, pool, g.Schema, "1", c.Major}
		linked := r.catalogue()
		r.run("up", rekey.Switched)
		time.Sleep(restTime / 2)
		r.run("down", rekey.Linked)
		r.same("back in phase linked", linked)
		time.Sleep(restTime / 2)
		r.run("up", rekey.Switched)
		time.Sleep(restTime / 2)
		var rows int64
		traffic.Pause(func() { rows = provedGraph(t, pool, g) })
		with := traffic.Figures()
		traffic.RetireIntegers()
		r.run("up", rekey.Contracted)
		time.Sleep(restTime / 2)
		traffic.Stop()
		f := traffic.Figures()
		lost, err := traffic.CheckUUIDs(t.Context(), pool)
		if err != nil || f.Failed+f.Wrong > 0 || len(lost) > 0 {
			t.Errorf("%s: %q, %d rows differ, %v", f, f.Errors, len(lost), err)
		}
		t.Logf("acceptance 1: PostgreSQL %d, switch, back, switch, contract: %s; %d rows lost or changed; both keys equal in %d references before contract; longest transaction %.1f times the longest without a run",
			c.Major, f, len(lost), rows, float64(with.Longest)/float64(without.Longest))
	})
}
