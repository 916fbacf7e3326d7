package probe

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/rekey-pg/rekey/internal/impact"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// recorder receives what a probe reports.
type recorder struct {
	mu         sync.Mutex
	samples    []impact.Sample
	activities []impact.Activity
	failures   []error
}

func (r *recorder) config(pool *pgxpool.Pool, major int) Config {
	keep := func(add func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		add()
	}
	return Config{
		Pool: pool, Scope: "app's", Major: major, Wanted: func() bool { return true }, Resting: func() bool { return true },
		Record:   func(s impact.Sample) { keep(func() { r.samples = append(r.samples, s) }) },
		Activity: func(a impact.Activity) { keep(func() { r.activities = append(r.activities, a) }) },
		Failed:   func(err error) { keep(func() { r.failures = append(r.failures, err) }) },
	}
}

// await waits until is returns true.
func (r *recorder) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for timeout := time.After(2 * time.Minute); ; {
		r.mu.Lock()
		ok := is()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-timeout:
			t.Fatalf("no %s: %d samples, %d activities, %v", what, len(r.samples), len(r.activities), r.failures)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (r *recorder) count(kind impact.Kind) (n int) {
	for _, s := range r.samples {
		if s.Kind == kind && s.Resting && s.Took > 0 {
			n++
		}
	}
	return n
}

// newPool returns a pool of a role in a new database with the probe's table and a table t of the role.
func newPool(t *testing.T, c *server.Cluster, role string) (as, admin *pgxpool.Pool) {
	t.Helper()
	open := func(url, role string) *pgxpool.Pool {
		config, err := pgxpool.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.User, config.MaxConns = role, 1
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	url := servertest.Database(t, c).URL
	admin = open(url, "postgres")
	servertest.Execute(t, admin, `DO $$BEGIN CREATE ROLE `+role+` LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
		CREATE SCHEMA rekey AUTHORIZATION `+role+`; CREATE TABLE rekey.probe (scope text PRIMARY KEY, commits bigint NOT NULL);
		ALTER TABLE rekey.probe OWNER TO `+role+`; CREATE TABLE public.t (id int); INSERT INTO t SELECT generate_series(1, 1000); ALTER TABLE t OWNER TO `+role)
	return open(url, role), admin
}

func table(t *testing.T, pool *pgxpool.Pool) Table {
	t.Helper()
	var oid uint32
	if err := pool.QueryRow(t.Context(), "SELECT 'public.t'::regclass::oid").Scan(&oid); err != nil {
		t.Fatal(err)
	}
	return Table{Name: sqltext.Table{Schema: "public", Name: "t", Only: true}, OID: oid, Pages: 4}
}

// TestProbeMeasures checks the samples and the activity as a role without any privilege, and that the probe survives the end of its
// connection.
func TestProbeMeasures(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "probing")
		before := goleak.IgnoreCurrent()
		var r recorder
		p := Start(t.Context(), r.config(pool, c.Major))
		p.SetTable(table(t, admin))
		enough := func() bool { return r.count(impact.Commit) >= 5 && r.count(impact.Read) >= 5 && len(r.activities) > 0 }
		r.await(t, "samples", enough)
		if a := r.activities[0]; a.At.IsZero() || a.Segment <= 0 {
			t.Errorf("the activity is %+v", a)
		}
		var commits int
		err := admin.QueryRow(t.Context(), "SELECT commits FROM rekey.probe WHERE scope = 'app''s'").Scan(&commits)
		if err != nil || commits < 5 {
			t.Errorf("%d commits, %v", commits, err)
		}
		r.mu.Lock()
		servertest.Execute(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'probing' AND datname = current_database()")
		r.samples = nil
		r.mu.Unlock()
		r.await(t, "samples after the connection was cut", enough)
		p.End()
		if len(r.failures) > 0 {
			t.Errorf("%v", r.failures)
		}
		goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
	})
}

// TestProbeSeesCheckpoints checks the query of the activity with what an unprivileged role may see.
func TestProbeSeesCheckpoints(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "probing")
		var r recorder
		p := Start(t.Context(), r.config(pool, c.Major))
		defer p.End()
		r.await(t, "activity", func() bool { return len(r.activities) > 0 })
		first := r.activities[0].Checkpoint
		servertest.Execute(t, admin, "CHECKPOINT")
		r.await(t, "checkpoint", func() bool { return r.activities[len(r.activities)-1].Checkpoint > first })
	})
}

// TestProbeWithoutConnection checks that a probe without a connection says so once.
func TestProbeWithoutConnection(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "unconnected")
		servertest.Execute(t, admin, "ALTER ROLE unconnected CONNECTION LIMIT 0")
		var r recorder
		p := Start(t.Context(), r.config(pool, c.Major))
		r.await(t, "failure", func() bool { return len(r.failures) > 0 })
		p.End()
		if len(r.failures) != 1 || len(r.samples) > 0 {
			t.Errorf("%v, %v", r.failures, r.samples)
		}
	})
}

// TestProbeEndsWhileItWaits checks that a commit that waits delays neither the end nor shows no time.
func TestProbeEndsWhileItWaits(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "probing")
		var r recorder
		p := Start(t.Context(), r.config(pool, c.Major))
		r.await(t, "sample", func() bool { return len(r.samples) > 0 })
		tx, err := admin.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		if _, err := tx.Exec(t.Context(), "LOCK TABLE rekey.probe"); err != nil {
			t.Fatal(err)
		}
		r.await(t, "pending sample", func() bool {
			s, running := p.Pending(time.Now())
			return running && s.Pending && s.Kind == impact.Commit && s.Took > 50*time.Millisecond
		})
		p.End()
		p.End()
	})
}

// TestProbeFollowsItsRow checks that the write finds the row by its address, which no number of dead versions slows down, and finds the
// row again after another session has moved or deleted it.
func TestProbeFollowsItsRow(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "probing")
		var r recorder
		p := Start(t.Context(), r.config(pool, c.Major))
		defer p.End()
		for _, change := range []string{"SELECT", "UPDATE rekey.probe SET commits = 0", "DELETE FROM rekey.probe"} {
			servertest.Execute(t, admin, change)
			r.mu.Lock()
			r.samples = nil
			r.mu.Unlock()
			r.await(t, "commits after "+change, func() bool { return r.count(impact.Commit) >= 3 })
		}
		var commits int
		if err := admin.QueryRow(t.Context(), "SELECT commits FROM rekey.probe WHERE scope = 'app''s'").Scan(&commits); err != nil || commits < 3 {
			t.Errorf("%d commits, %v", commits, err)
		}
		rows, err := admin.Query(t.Context(), "EXPLAIN "+commitSQL("app's", "(0,1)"))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if plan := strings.Join(lines, "\n"); err != nil || !strings.Contains(plan, "Tid Scan") {
			t.Errorf("%s, %v", plan, err)
		}
	})
}

// TestProbeMeasuresOnlyWhatIsWanted checks that a probe writes nothing while no rows are filled.
func TestProbeMeasuresOnlyWhatIsWanted(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool, _ := newPool(t, c, "probing")
		var r recorder
		var asked, wanted atomic.Int64
		config := r.config(pool, c.Major)
		config.Wanted = func() bool { asked.Add(1); return wanted.Load() > 0 }
		p := Start(t.Context(), config)
		defer p.End()
		r.await(t, "question", func() bool { return asked.Load() >= 3 })
		r.mu.Lock()
		if len(r.samples)+len(r.activities) > 0 {
			t.Errorf("%d samples and %d activities although none was wanted", len(r.samples), len(r.activities))
		}
		r.mu.Unlock()
		wanted.Store(1)
		r.await(t, "sample", func() bool { return len(r.samples) > 0 })
	})
}

// TestReadRunsNoCode checks that a read names no column of the table and quotes its name.
func TestReadRunsNoCode(t *testing.T) {
	p := &Probe{}
	if sql := p.read(); sql != "" {
		t.Errorf("without a table: %s", sql)
	}
	p.SetTable(Table{Name: sqltext.Table{Schema: "a b", Name: `c"d`, Only: true}, Pages: 1})
	if sql, want := p.read(), `SELECT ctid FROM ONLY "a b"."c""d" WHERE ctid = '(0,1)'::tid`; sql != want {
		t.Errorf("got %s, want %s", sql, want)
	}
}

func TestActivityFitsTheVersion(t *testing.T) {
	for _, major := range []int{13, 16, 17, 18} {
		view := "pg_stat_bgwriter"
		if major >= firstCheckpointer {
			view = "pg_stat_checkpointer"
		}
		if sql := activitySQL(major, 7); !strings.Contains(sql, view) || !strings.Contains(sql, "l.relation = 7::oid") || strings.Contains(sql, "{") {
			t.Errorf("%d: %s", major, sql)
		}
	}
}
