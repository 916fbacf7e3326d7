package rekey_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestForecastAndActual compares the WAL and the sizes of three tables, not their times. The bounds are wider than the forecast's goal
// of 25 percent: the tables are small, so that a page or a checkpoint more is seen, and the WAL is of the whole server.
func TestForecastAndActual(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, `CREATE SCHEMA app; SET search_path = app;
			CREATE TABLE narrow (id bigserial PRIMARY KEY, a bigint NOT NULL, b int NOT NULL);
			INSERT INTO narrow (a, b) SELECT n * 7919 % 10007, n % 10 FROM generate_series(1, 40000) AS n;
			CREATE INDEX ON narrow (a);
			CREATE TABLE roomy (id bigserial PRIMARY KEY, body text NOT NULL) WITH (fillfactor = 70);
			INSERT INTO roomy (body) SELECT repeat('x', 100 + n % 50) FROM generate_series(1, 30000) AS n;
			CREATE TABLE toasted (id bigserial PRIMARY KEY, body text NOT NULL);
			ALTER TABLE toasted ALTER body SET STORAGE EXTERNAL;
			INSERT INTO toasted (body) SELECT repeat('x', 3000) FROM generate_series(1, 3000) AS n;
			CREATE TABLE tiny (id bigserial PRIMARY KEY);
			INSERT INTO tiny SELECT FROM generate_series(1, 10)`)
		servertest.Execute(t, pool, "VACUUM ANALYZE")
		servertest.Execute(t, pool, "SELECT pg_create_physical_replication_slot('rekey_forecast', true)")
		defer servertest.Execute(t, pool, "SELECT pg_drop_replication_slot('rekey_forecast')")
		expected, actual := map[string]event.Cost{}, map[string]event.Cost{}
		setup := rekeytest.Setup{Scope: rekey.Schema{Name: "app"}, Options: rekey.Options{
			Values: rekey.ValueOptions{Source: rekey.MigrationTime()}, Backfill: rekey.BackfillOptions{Pace: rekey.PaceFull},
		}}
		setup.Options.Forecast.Calibrate = true
		plan, err := rekeytest.Plan(t.Context(), pool, setup)
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		setup.Options.OnEvent = func(e event.Event) {
			switch e := e.(type) {
			case event.Forecast:
				expected[e.Table] = e.Cost
			case event.Measured:
				actual[e.Table] = e.Cost
			case event.Notice:
				warned = warned || strings.Contains(e.Text, "risk slots: nothing reads replication slot rekey_forecast")
			}
		}
		if _, err := rekeytest.Up(t.Context(), pool, setup); err != nil {
			t.Fatal(err)
		}
		if f := plan.Forecast; f == nil || !f.Calibrated || len(f.Groups) != 4 || f.All.WAL != expected[""].WAL || f.All.Full <= 0 || f.All.Before() != expected[""].Before {
			t.Errorf("%+v", plan.Forecast)
		}
		slots := func(r rekey.Risk) bool { return r.Name == rekey.RiskSlots && r.Hint != "" && r.Detail != "" }
		if !warned || !slices.ContainsFunc(plan.Risks, slots) || len(plan.Refusals) > 0 {
			t.Errorf("warned %t, %+v, %v", warned, plan.Risks, plan.Refusals)
		}
		if len(actual) != 4 || len(expected) != 4 { // three tables and all: the fourth is tiny
			t.Errorf("%d forecast, %d measured", len(expected), len(actual))
		}
		for table, e := range expected {
			a := actual[table]
			wal, size := float64(e.WAL)/float64(a.WAL), float64(e.After)/float64(a.After)
			t.Logf("%q: WAL %.2f, size %.2f, heap-only %.2f and %.2f", table, wal, size, e.HeapOnly, a.HeapOnly)
			if e.Rows != a.Rows || e.Before != a.Before || a.Elapsed <= 0 || wal < 0.6 || wal > 1.6 || size < 0.75 || size > 1.3 || math.IsNaN(wal) {
				t.Errorf("%q: expected %+v, actual %+v", table, e, a)
			}
		}
	})
}
