package run_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
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
