package acceptance

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// Two applications work through link, back, and link again. The lines are figures; the suite's short form, without them, is
// TestApplicationsNoticeNothing of package apps.
func TestTwoApplications(t *testing.T) {
	if !long() {
		t.Skip("it measures: REKEY_ACCEPTANCE=1")
	}
	on(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		g := apps.Shop("shop", 2000)
		servertest.Execute(t, pool, g.SQL()+"ANALYZE")
		setup := rekeytest.Setup{Scope: rekey.Schema{Name: g.Schema}}
		if _, err := rekeytest.Up(t.Context(), pool, setup); err != nil {
			t.Fatal(err)
		}
		for _, one := range []struct {
			words string
			to    rekey.Phase
			uuids bool // the uuid application works
			run   func(context.Context, *pgxpool.Pool, rekeytest.Setup) (event.Result, error)
		}{
			{"no run", "", false, rest},
			{"up --to linked", rekey.Linked, true, rekeytest.Up},
			{"no run, linked", "", true, rest},
			{"down --to expanded", rekey.Expanded, false, rekeytest.Down},
			{"up --to linked again", rekey.Linked, true, rekeytest.Up},
		} {
			traffic, err := apps.Start(t.Context(), apps.Options{URL: pool.Config().ConnString(), Graph: g, Pause: 5 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if !one.uuids {
				traffic.RetireUUIDs()
			}
			if one.to == "" && one.uuids {
				traffic.Filled()
			}
			var held holds
			setup.Options.To, setup.Options.OnEvent = one.to, held.event
			begun := time.Now()
			_, err = one.run(t.Context(), pool, setup)
			took := time.Since(begun)
			traffic.Stop()
			if err != nil {
				t.Fatal(err)
			}
			f := traffic.Figures()
			lost, err := traffic.Check(t.Context(), pool, one.uuids)
			if err != nil || f.Failed+f.Wrong > 0 || len(lost) > 0 {
				t.Errorf("%s: %q %d rows differ %v", f, f.Errors, len(lost), err)
			}
			rows := int64(0)
			if one.uuids {
				rows = provedGraph(t, pool, g)
			}
			t.Logf("acceptance 1: PostgreSQL %d, %s: %.1f s; %s; both keys equal in %d references, %d rows lost or wrong; %s",
				c.Major, one.words, took.Seconds(), f, rows, len(lost), &held)
		}
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
