package run_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// connectAsOwner makes the run connect as a role that owns the tables and has no other rights, and returns the
// role.
func (s *testRun) connectAsOwner(url string) string {
	s.t.Helper()
	role := "plain_" + s.queryText("SELECT substr(md5(current_database()), 1, 10)")
	s.exec("CREATE ROLE " + role + " LOGIN; ALTER TABLE kit OWNER TO " + role + "; ALTER TABLE present OWNER TO " + role +
		"; GRANT ALL ON SCHEMA public TO " + role + "; DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO " + role + "', current_database()); END$$")
	s.t.Cleanup(func() {
		s.exec("REASSIGN OWNED BY " + role + " TO CURRENT_USER; DROP OWNED BY " + role + "; DROP ROLE " + role)
	})
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		s.t.Fatal(err)
	}
	config.ConnConfig.User, config.MaxConns = role, 4
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(pool.Close)
	s.job.Pool, s.job.Direct = pool, pool
	return role
}

// wantProblem checks the only problem of a run's result.
func (s *testRun) wantProblem(result event.Result, code string, exit int, at string) {
	s.t.Helper()
	if len(result.Problems) != 1 || result.Exit != exit {
		s.t.Fatalf("exit %d, %+v", result.Exit, result.Problems)
	}
	p := result.Problems[0]
	if p.Code != code || p.Table != "public.present" || p.Step != at || !strings.Contains(p.Hint, "run the same command again") {
		s.t.Errorf("got %+v", *p)
	}
}

// TestServerErrorsNameTableAndStep checks that an error of the server is reported with table, step, code and hint,
// and that the same command succeeds after the cause is removed.
func TestServerErrorsNameTableAndStep(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for _, test := range []struct {
			name, before, happens, mended string
			direction                     plan.Direction
			code                          string
			exit                          int
			step                          step.ID
		}{
			{
				name: "the table has another owner", before: "step.Fill", happens: "ALTER TABLE present OWNER TO postgres; REVOKE ALL ON present FROM PLAIN",
				mended: "ALTER TABLE present OWNER TO PLAIN", code: "no_privilege", exit: 1, step: "fill-column",
			},
			{
				name: "row-level security is forced", before: "step.Fill",
				happens: "ALTER TABLE present ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
				mended:  "ALTER TABLE present DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY", code: "row_security", exit: 1, step: "fill-column",
			},
			{
				name: "code of the application raises", before: "step.Fill",
				happens: `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'; CREATE TRIGGER no BEFORE UPDATE ON present FOR EACH ROW EXECUTE FUNCTION no()`,
				mended:  "DROP TRIGGER no ON present", code: "row_rejected", exit: 7, step: "fill-column",
			},
			{
				name: "a down on another's table", before: "DROP COLUMN", direction: plan.Down, happens: "ALTER TABLE present OWNER TO postgres",
				mended: "ALTER TABLE present OWNER TO PLAIN", code: "no_privilege", exit: 1, step: "add-column",
			},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				s := newTestRun(t, c)
				role := s.connectAsOwner(s.pool.Config().ConnString())
				if test.direction == plan.Down {
					if _, err := s.run("", nil); err != nil {
						t.Fatal(err)
					}
					s.job.Request.Direction = plan.Down
				}
				var once atomic.Bool
				result, _ := s.run(test.before, func() {
					if once.CompareAndSwap(false, true) {
						s.exec(strings.ReplaceAll(test.happens, "PLAIN", role))
					}
				})
				s.wantProblem(result, test.code, test.exit, string(test.step))
				s.exec(strings.ReplaceAll(test.mended, "PLAIN", role))
				if _, err := s.run("", nil); err != nil {
					t.Errorf("the same command returned %v", err)
				}
			})
		}
	})
}

// TestRunContinuesWhenSessionsEnd ends all sessions of the run before every action.
func TestRunContinuesWhenSessionsEnd(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		role := s.connectAsOwner(s.pool.Config().ConnString())
		times := 0
		_, err := s.run("step.", func() {
			times++
			s.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "'")
		})
		if err != nil || times < 5 || s.queryText("SELECT count(*) FROM present WHERE uuid IS NULL") != "0" {
			t.Errorf("after %d times the run returned %v", times, err)
		}
	})
}

// TestRunFailsWithoutConnections sets the role's connection limit to 0 and ends its sessions.
func TestRunFailsWithoutConnections(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		role := s.connectAsOwner(s.pool.Config().ConnString())
		result, _ := s.run("step.Fill", func() {
			s.exec("ALTER ROLE " + role + " CONNECTION LIMIT 0")
			s.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "'")
		})
		if len(result.Problems) != 1 {
			t.Fatalf("%+v", result)
		}
		p := result.Problems[0]
		switch p.Code {
		case "too_many_connections":
			s.wantProblem(result, p.Code, 1, "fill-column")
		case "lease_lost": // renewing the lease needs a connection too
			if result.Exit != 5 || !strings.Contains(p.Detail, "too many connections") || p.Hint == "" {
				t.Errorf("%+v", *p)
			}
		default:
			t.Errorf("%+v", *p)
		}
		s.exec("ALTER ROLE " + role + " CONNECTION LIMIT -1")
		s.exec("DELETE FROM rekey.leases") // the lease would expire after 12 s
		if _, err := s.run("", nil); err != nil {
			t.Errorf("the same command returned %v", err)
		}
	})
}

// TestFullDiskFailsRun builds an index on a disk that is full.
func TestFullDiskFailsRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		s.exec("INSERT INTO present (note) SELECT repeat('x', 100) FROM generate_series(1, 60000)")
		dir := smallDisk(t, s.queryText("SHOW data_directory"))
		name := "small_" + s.queryText("SELECT substr(md5(current_database()), 1, 10)")
		s.exec("CREATE TABLESPACE " + name + " LOCATION '" + dir + "'")
		t.Cleanup(func() { s.exec("DROP TABLE IF EXISTS kit, present"); s.exec("DROP TABLESPACE " + name) })
		config := s.pool.Config()
		config.ConnConfig.RuntimeParams["default_tablespace"] = name
		pool, err := pgxpool.NewWithConfig(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		s.job.Pool, s.job.Direct = pool, pool
		result, _ := s.run("", nil)
		s.wantProblem(result, "disk_full", 1, "build-index")
		s.job.Pool, s.job.Direct = s.pool, s.pool
		if _, err := s.run("", nil); err != nil {
			t.Errorf("the same command returned %v", err)
		}
	})
}

// smallDisk returns a directory on a disk of one megabyte that the server may write to.
func smallDisk(t *testing.T, data string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounting a disk requires root on Linux")
	}
	dir, err := os.MkdirTemp(filepath.Dir(data), "small") //nolint:usetesting // the server cannot access the test's own directory
	if err != nil {
		t.Fatal(err)
	}
	mount(t, dir, data)
	return filepath.Join(dir, "tablespace")
}

// TestLostLeaseCancelsBuild takes over the lease while the run builds an index, whose statement must be cancelled.
func TestLostLeaseCancelsBuild(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		release := func() {}
		result, _ := s.run("CREATE UNIQUE INDEX", func() {
			release = servertest.Hold(t, s.pool, "INSERT INTO present (note) VALUES ('open')") // the build waits for it
			go func() {
				for s.queryText("SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%'") == "0" {
					time.Sleep(20 * time.Millisecond)
				}
				s.exec("UPDATE rekey.leases SET token = gen_random_uuid()")
			}()
		})
		if result.Exit != problem.ExitCode(message.LeaseLost()) || len(result.Problems) != 1 || result.Problems[0].Code != "lease_lost" {
			t.Errorf("exit %d, %+v", result.Exit, result.Problems)
		}
		for s.queryText("SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()") != "0" { // until the server has ended the build
			time.Sleep(20 * time.Millisecond)
		}
		release()
		s.exec("DELETE FROM rekey.leases")
		if _, err := s.run("", nil); err != nil {
			t.Errorf("the same command returned %v", err)
		}
	})
}

// TestBuildIsRepeatedWhenSessionEnds ends the session that builds an index.
func TestBuildIsRepeatedWhenSessionEnds(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		times := 0
		_, err := s.run("CREATE UNIQUE INDEX", func() {
			if times++; times > 1 {
				return
			}
			release := servertest.Hold(t, s.pool, "INSERT INTO present (note) VALUES ('open')") // the build waits for it
			go func() {
				defer release()
				for s.queryText("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%'") == "0" {
					time.Sleep(20 * time.Millisecond)
				}
			}()
		})
		if err != nil || times < 2 {
			t.Errorf("after %d times the run returned %v", times, err)
		}
		if n := s.queryText("SELECT count(*) FROM pg_index WHERE indrelid = 'present'::regclass AND NOT indisvalid"); n != "0" {
			t.Errorf("%s invalid indexes are left", n)
		}
	})
}
