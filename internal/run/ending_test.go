package run_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// TestResultIsRecordedUnderTheLease checks that a run records its result before it releases its lease: rekey status would call it killed
// in between.
func TestResultIsRecordedUnderTheLease(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		s := newTestRun(t, c)
		_, err := s.run("Fill", func() {
			s.exec(`CREATE TABLE seen AS SELECT 0::bigint AS results WHERE false;
				CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
					INSERT INTO public.seen SELECT count(*) FROM rekey.events WHERE line LIKE '%"event":"result"%'; RETURN OLD; END$$;
				CREATE TRIGGER see BEFORE DELETE ON rekey.leases FOR EACH ROW EXECUTE FUNCTION see()`)
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := s.queryText("SELECT string_agg(results::text, ',') FROM seen"); n != "1" {
			t.Errorf("%s results were recorded when the lease was released", n)
		}
	})
}

// TestJournalIsDroppedDuringARun checks that a run ends when its journal is dropped, and does not take that for a change of the tables.
func TestJournalIsDroppedDuringARun(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for _, before := range []string{"Fill", "ADD COLUMN"} {
			s := newTestRun(t, c)
			result, err := s.run(before, func() { s.exec("DROP SCHEMA IF EXISTS rekey CASCADE") })
			var found *problem.Problem
			if !errors.As(err, &found) || found.Code != "lease_lost" || !strings.Contains(found.Message, "was dropped") || len(result.Problems) != 1 {
				t.Errorf("before %s: %v, %q", before, err, s.actions)
			}
		}
	})
}
