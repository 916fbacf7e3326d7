package acceptance

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// work is both applications at work on a new database in a phase.
func work(t *testing.T, c *server.Cluster, g apps.Graph, phase rekey.Phase) (*pgxpool.Pool, *apps.Traffic) {
	t.Helper()
	pool := servertest.Pool(t, servertest.Database(t, c).URL)
	servertest.Execute(t, pool, g.SQL()+"ANALYZE")
	if _, err := rekeytest.Up(t.Context(), pool, rekeytest.Setup{Scope: rekey.Schema{Name: g.Schema}, Options: rekey.Options{To: phase}}); err != nil {
		t.Fatal(err)
	}
	traffic, err := apps.Start(t.Context(), apps.Options{URL: pool.Config().ConnString(), Graph: g, Pause: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(traffic.Stop)
	return pool, traffic
}

// Two applications work through link, back, and link again. The lines are figures; the suite's short form, without them, is
// TestApplicationsNoticeNothing of package apps.
func TestTwoApplications(t *testing.T) {
	if !long() {
		t.Skip("it measures: REKEY_ACCEPTANCE=1")
	}
	on(t, func(t *testing.T, c *server.Cluster) {
		g := apps.Shop("shop", 2000)
		_, idle := work(t, c, g, rekey.Expanded)
		time.Sleep(restTime)
		idle.Stop()
		t.Logf("acceptance 1: PostgreSQL %d, no run: %s", c.Major, idle.Figures())
		pool, traffic := work(t, c, g, rekey.Expanded)
		run := func(words string, to rekey.Phase, run runFunc) {
			var held holds
			begun := time.Now()
			if _, err := run(t.Context(), pool, rekeytest.Setup{Scope: rekey.Schema{Name: g.Schema}, Options: rekey.Options{To: to, OnEvent: held.event}}); err != nil {
				t.Fatal(err)
			}
			t.Logf("acceptance 1: PostgreSQL %d, %s: %.1f s; %s", c.Major, words, time.Since(begun).Seconds(), &held)
		}
		run("up --to linked", rekey.Linked, rekeytest.Up)
		traffic.Filled()
		time.Sleep(restTime)
		traffic.RetireUUIDs()
		run("down --to expanded", rekey.Expanded, rekeytest.Down)
		run("up --to linked again", rekey.Linked, rekeytest.Up)
		traffic.Stop()
		f := traffic.Figures()
		lost, err := traffic.Check(t.Context(), pool, true)
		if err != nil || f.Failed+f.Wrong > 0 || len(lost) > 0 {
			t.Errorf("%s: %q, %d rows differ, %v", f, f.Errors, len(lost), err)
		}
		t.Logf("acceptance 1: PostgreSQL %d, all of it: %s; %d rows lost or changed; both keys equal in %d references", c.Major, f, len(lost), provedGraph(t, pool, g))
	})
}

// provedGraph returns the number of references, and fails unless both keys of each agree.
func provedGraph(t *testing.T, pool *pgxpool.Pool, g apps.Graph) int64 {
	t.Helper()
	proofs, err := apps.Prove(t.Context(), pool, g)
	if err != nil {
		t.Fatal(err)
	}
	bad, rows := apps.Bad(proofs)
	if len(bad) > 0 {
		t.Errorf("of %d rows: %+v", rows, bad)
	}
	return rows
}
