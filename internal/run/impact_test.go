package run_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// impactsOf runs on a table that is large enough for a rest before its first batch, and returns the events of the impact and the
// texts of the notices.
func impactsOf(t *testing.T, s *testRun, beforeFill func()) (impacts []event.Impact, notices []string) {
	t.Helper()
	s.exec(`DROP TABLE present; CREATE TABLE present (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note char(700)) WITH (autovacuum_enabled = off, fillfactor = 10);
		ALTER TABLE present ALTER note SET STORAGE plain; INSERT INTO present (note) SELECT 'n' FROM generate_series(1, 8300); ANALYZE present`)
	s.job.Emit = func(e event.Event) {
		switch e := e.(type) {
		case event.Impact:
			impacts = append(impacts, e)
		case event.Notice:
			notices = append(notices, e.Text)
		}
	}
	if result, err := s.run("Fill", beforeFill); err != nil || result.Rows != 8300 {
		t.Fatalf("%d rows, %v", result.Rows, err)
	}
	return impacts, notices
}

// TestImpactIsMeasured checks that a run measures the impact and a baseline, and leaves the pace of the limit in the events.
func TestImpactIsMeasured(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		s := newTestRun(t, c)
		impacts, _ := impactsOf(t, s, func() {})
		if len(impacts) == 0 {
			t.Fatal("no event of the impact")
		}
		last := impacts[len(impacts)-1]
		if last.Table != "public.present" || last.Commit <= 0 || last.CommitIdle <= 0 || last.Limit != pace.Normal.MaxImpact() || last.Workers < 1 || last.Duty <= 0 || last.BatchTime <= 0 {
			t.Errorf("%+v", last)
		}
		if n := s.queryText("SELECT commits::text FROM rekey.probe WHERE scope = 'public'"); n == "0" {
			t.Error("the probe has committed nothing")
		}
	})
}

// TestRunGoesOnWithoutAProbe checks that a run whose probe cannot start says so once and keeps the pace of its speed.
func TestRunGoesOnWithoutAProbe(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		s := newTestRun(t, c)
		impacts, notices := impactsOf(t, s, func() { s.exec("DROP TABLE IF EXISTS rekey.probe") })
		if said := strings.Join(notices, "\n"); len(impacts) > 0 || strings.Count(said, "keeps the fixed pace normal") != 1 {
			t.Errorf("%d events, and the notices are %q", len(impacts), said)
		}
	})
}
