package run_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/verify"
	"github.com/rekey-pg/rekey/problem"
)

// newLedger returns a run on a table with creation times of whole seconds, many rows per second, in the reverse
// order of their ids.
func newLedger(t *testing.T, c *server.Cluster) *testRun {
	s := newTestRun(t, c)
	s.exec(`CREATE TABLE ledger (id integer PRIMARY KEY, at timestamp(0) NOT NULL DEFAULT now(), other timestamptz);
		INSERT INTO ledger (id, at) SELECT n, '2024-05-01'::timestamp - (n / 50) * interval '1 second' FROM generate_series(1, 3000) n`)
	s.job.Request.Profile.Tables = []profile.Table{{Name: "ledger", Time: "at"}, {Name: "present"}}
	return s
}

// inversions counts the rows whose uuid sorts differently from their time and key.
const inversions = `SELECT count(*)::text FROM (SELECT row_number() OVER (ORDER BY uuid) AS is,
	row_number() OVER (ORDER BY at, id) AS ought FROM ledger WHERE id <= 3000) placed WHERE "is" <> ought`

const orderTables = `SELECT count(*)::text FROM pg_tables WHERE schemaname = 'rekey' AND tablename LIKE 'order\_%'`

// uuidMillis is the time in the first 48 bits of a uuid, in milliseconds.
const uuidMillis = `('x' || lpad(left(replace(uuid::text, '-', ''), 12), 16, '0'))::bit(64)::int8`

func (s *testRun) expect(want string, queries ...string) {
	s.t.Helper()
	for _, sql := range queries {
		if got := s.queryText(sql); got != want {
			s.t.Errorf("got %s, want %s: %s", got, want, sql)
		}
	}
}

// TestRowsAreOrderedByCreation checks that existing rows sort by time and key, that new rows sort after them, and
// that down leaves nothing in the journal.
func TestRowsAreOrderedByCreation(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newLedger(t, c)
		if _, err := s.run("fill-column", func() { s.exec("INSERT INTO ledger (id) SELECT max(id) + 1 FROM ledger") }); err != nil {
			t.Fatal(err)
		}
		s.expect("0", inversions, orderTables,
			`SELECT count(*)::text FROM ledger WHERE id <= 3000 AND `+uuidMillis+` / 1000 <> extract(epoch FROM at)::int8`,
			`SELECT count(*)::text FROM ledger WHERE id > 3000 AND uuid <= (SELECT max(uuid::text)::uuid FROM ledger WHERE id <= 3000)`,
			`SELECT count(*)::text FROM ledger, rekey.moments WHERE relation = 'ledger'::regclass AND id > 3000
				AND `+uuidMillis+` < floor(extract(epoch FROM moment) * 1000)`)
		s.expect("column at ", `SELECT concat_ws(' ', source, "column", zone) FROM rekey.moments WHERE relation = 'ledger'::regclass`)
		s.job.Request.Direction = plan.Down
		if _, err := s.run("", nil); err != nil {
			t.Fatal(err)
		}
		s.expect("0", orderTables, `SELECT count(*)::text FROM rekey.moments`)
	})
}

// TestExistingColumnKeepsValues checks that an existing column keeps its values and gets a cutoff with its default,
// which down deletes.
func TestExistingColumnKeepsValues(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, slices.Max(servertest.Versions(t)))
	s := newLedger(t, c)
	s.exec(`ALTER TABLE ledger ADD uuid uuid; UPDATE ledger SET uuid = gen_random_uuid() WHERE id % 10 = 3`)
	if _, err := s.run("fill-column", func() { s.exec("INSERT INTO ledger (id) SELECT max(id) + 1 FROM ledger") }); err != nil {
		t.Fatal(err)
	}
	s.expect("0", orderTables, strings.Replace(inversions, "id <= 3000", "id <= 3000 AND id % 10 <> 3", 1),
		`SELECT count(*)::text FROM ledger, rekey.moments WHERE relation = 'ledger'::regclass AND id > 3000
			AND `+uuidMillis+` < floor(extract(epoch FROM moment) * 1000)`)
	inspected, err := inspect.Server(t.Context(), s.pool)
	if err != nil {
		t.Fatal(err)
	}
	report, err := verify.Run(t.Context(), s.pool, inspected, s.job.Request)
	if o := report.Tables[0].Order; err != nil || o.Judged != 2700 || o.OtherVersion != 300 || o.New < 1 {
		t.Errorf("%v: %+v", err, o)
	}
	s.job.Request.Direction = plan.Down
	if _, err := s.run("", nil); err != nil {
		t.Fatal(err)
	}
	s.expect("0", `SELECT count(*)::text FROM rekey.moments`)
}

// TestInterruptedBackfillKeepsOrder checks that the next run continues an interrupted backfill of several regions
// in the same order.
func TestInterruptedBackfillKeepsOrder(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newLedger(t, c)
		s.exec(`INSERT INTO ledger (id, at) SELECT n, '2024-05-01'::timestamp - (n / 50) * interval '1 second' FROM generate_series(3001, 60000) n; ANALYZE ledger`)
		stop, begun := make(chan struct{}), false
		s.job.Stop = stop
		s.job.Emit = func(e event.Event) {
			if p, ok := e.(event.Progress); ok && p.Table == "public.ledger" && p.Done > 0 && !begun {
				begun = true
				close(stop)
			}
		}
		_, err := s.run("", nil)
		if !errors.Is(err, problem.ErrInterrupted) {
			t.Fatalf("%v", err)
		}
		if left := s.queryText("SELECT count(*)::text FROM ledger WHERE uuid IS NULL"); left == "0" {
			t.Error("the run was interrupted too late: all rows are filled")
		}
		s.job.Stop, s.job.Emit = nil, nil
		if _, err := s.run("", nil); err != nil {
			t.Fatal(err)
		}
		s.expect("0", strings.Replace(inversions, "3000", "60000", 1), orderTables)
	})
}

// TestValueOptions checks the options that determine a table's values.
func TestValueOptions(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for name, want := range map[string]struct {
			values plan.Values
			zero   string
		}{
			"by the clock": {
				plan.Values{Source: plan.ByClock},
				`SELECT count(*)::text FROM ledger WHERE ` + uuidMillis + ` < extract(epoch FROM now() - interval '1 hour') * 1000`,
			},
			"this table by the clock": {
				plan.Values{Sources: map[string]plan.Source{"ledger": plan.ByClock}},
				`SELECT count(*)::text FROM ledger WHERE ` + uuidMillis + ` < extract(epoch FROM now() - interval '1 hour') * 1000`,
			},
			"by the key alone": {
				plan.Values{Columns: map[string]string{"ledger": "none"}},
				strings.Replace(inversions, "at, id", "id", 1),
			},
			"in a zone": {
				plan.Values{Zone: "Asia/Tokyo"},
				`SELECT count(*)::text FROM ledger WHERE ` + uuidMillis + ` / 1000 <> extract(epoch FROM at AT TIME ZONE 'Asia/Tokyo')::int8`,
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newLedger(t, c)
				s.job.Request.Policy.Values = want.values
				if _, err := s.run("", nil); err != nil {
					t.Fatal(err)
				}
				s.expect("0", want.zero, orderTables)
			})
		}
	})
}
