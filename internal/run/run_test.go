package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// testRun is a run with a profile of two tables. One of them does not exist.
type testRun struct {
	t       *testing.T
	pool    *pgxpool.Pool
	job     run.Job
	actions []string // the executed actions, in order
}

func newTestRun(t *testing.T, c *server.Cluster) *testRun {
	pool, err := pgxpool.New(t.Context(), servertest.Database(t, c).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &testRun{t: t, pool: pool}
	s.exec(`CREATE TABLE kit (); COMMENT ON TABLE kit IS '39';
		CREATE TABLE present (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
		INSERT INTO present (note) SELECT 'n' FROM generate_series(1, 9)`)
	s.job = run.Job{
		Pool: pool, Direct: pool, Limits: run.Limits{LockTimeout: 50 * time.Millisecond, LockRetryTimeout: 10 * time.Minute},
		Request: survey.Request{Schema: "public", Direction: plan.Up, Scope: plan.Scope{Profile: &profile.Profile{
			Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
			Tables: []profile.Table{{Name: "present"}, {Name: "absent"}},
		}}},
	}
	return s
}

func (s *testRun) exec(sql string) {
	s.t.Helper()
	if _, err := s.pool.Exec(context.WithoutCancel(s.t.Context()), sql); err != nil {
		s.t.Fatalf("%v in %s", err, sql)
	}
}

func (s *testRun) queryText(sql string) (value string) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), sql).Scan(&value); err != nil {
		s.t.Fatal(err)
	}
	return value
}

// run executes the run and calls do before every action whose text contains the given text.
func (s *testRun) run(text string, do func()) (event.Result, error) {
	s.actions = nil
	s.job.BeforeAction = func(id step.ID, a step.Action) error {
		action := fmt.Sprintf("%s %T %s", id, a, strings.Join(a.SQL(), "; "))
		s.actions = append(s.actions, action)
		if text != "" && strings.Contains(action, text) {
			do()
		}
		return nil
	}
	return run.Execute(s.t.Context(), s.job)
}

// actionIndex returns the index of the n-th action that contains the text, counted from 1.
func (s *testRun) actionIndex(text string, n int) int {
	for i, action := range s.actions {
		if strings.Contains(action, text) {
			if n--; n == 0 {
				return i
			}
		}
	}
	s.t.Errorf("no action with %s in %q", text, s.actions)
	return -1
}

const (
	check    = "FROM pg_constraint WHERE conrelid = 'present'::regclass AND contype = 'c'"
	recorded = "SELECT obj_description('kit'::regclass, 'pg_class')"
)

// TestNullWrittenOnceIsFilled writes NULL explicitly before the CHECK is added. The run must drop the CHECK before
// it fills that row, since the CHECK would make the application's updates of the row fail.
func TestNullWrittenOnceIsFilled(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s, n := newTestRun(t, c), 0
		_, err := s.run("ADD CONSTRAINT", func() {
			if n++; n == 1 {
				s.exec("INSERT INTO present (note, uuid) VALUES ('null', NULL)")
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if drop, fill := s.actionIndex("DROP CONSTRAINT", 1), s.actionIndex("step.Fill", 2); drop > fill {
			t.Errorf("filled at %d under a CHECK that was dropped at %d", fill, drop)
		}
		if got := s.queryText("SELECT count(*) || ' ' || count(uuid) || ' ' || (SELECT count(*) " + check + ") FROM present"); got != "10 10 0" {
			t.Error(got)
		}
	})
}

// TestRepeatedNullsEndRun checks that an application that keeps writing NULL ends the run, and that its updates do
// not fail afterwards.
func TestRepeatedNullsEndRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		result, err := s.run("ADD CONSTRAINT", func() { s.exec("INSERT INTO present (note, uuid) VALUES ('null', NULL)") })
		if !errors.Is(err, problem.ErrStopped) || result.Exit != 7 || result.Problems[0].Code != "nulls_written" {
			t.Errorf("%v, exit %d", err, result.Exit)
		}
		if got := s.queryText("SELECT count(*)::text " + check); got != "0" {
			t.Errorf("%s CHECK constraints are left", got)
		}
		if got := s.queryText(recorded); got != "39" {
			t.Errorf("version %s", got)
		}
		if _, err := s.run("", nil); err != nil {
			t.Error(err)
		}
	})
}

// TestTableCreatedDuringRun checks that a table of the profile that is created during the run prevents the version
// from being recorded.
func TestTableCreatedDuringRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		result, err := s.run("build-index", func() { s.exec("CREATE TABLE absent (id bigint PRIMARY KEY)") })
		if !errors.Is(err, problem.ErrStopped) || result.Problems[0].Table != "public.absent" {
			t.Errorf("%v", err)
		}
		if got := s.queryText(recorded); got != "39" {
			t.Errorf("version %s is recorded although a table is incomplete", got)
		}
		if _, err := s.run("", nil); err != nil || s.queryText(recorded) != "40" {
			t.Error(err)
		}
	})
}

// TestTableDroppedDuringRun checks that a table that is dropped during the run is skipped with a notice.
func TestTableDroppedDuringRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		noticed := false
		s.job.Emit = func(e event.Event) {
			if notice, ok := e.(event.Notice); ok && notice.Table == "public.present" {
				noticed = true
			}
		}
		_, err := s.run("ensure-function", func() { s.exec("DROP TABLE present") })
		if err != nil || !noticed || s.queryText(recorded) != "40" {
			t.Errorf("noticed %v, %v", noticed, err)
		}
	})
}

// TestStopEndsBeforeNextAction checks that a run that is asked to stop ends before its next action, and that the
// same call continues it.
func TestStopEndsBeforeNextAction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		stop := make(chan struct{})
		s.job.Stop = stop
		result, err := s.run("build-index", func() { close(stop) })
		if !errors.Is(err, problem.ErrInterrupted) || result.Exit != 130 || len(s.actions) != s.actionIndex("build-index", 1)+1 {
			t.Errorf("%v, exit %d, after %q", err, result.Exit, s.actions)
		}
		s.job.Stop = nil
		if _, err := s.run("", nil); err != nil {
			t.Error(err)
		}
	})
}

// TestCheckpointsOfInterruptedRunAreDeleted checks that the next run, which has nothing to fill, deletes the
// checkpoints of a run that was interrupted after the last row of a table.
func TestCheckpointsOfInterruptedRunAreDeleted(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		interrupted := errors.New("interrupted")
		s.job.BeforeAction = func(id step.ID, _ step.Action) error {
			if strings.Contains(fmt.Sprint(id), "build-index") {
				return interrupted
			}
			return nil
		}
		if _, err := run.Execute(t.Context(), s.job); !errors.Is(err, interrupted) {
			t.Fatalf("the run returned %v", err)
		}
		s.exec(`INSERT INTO rekey.cursors (relation, filenode, attnum, region, state, filled)
			SELECT c.oid, relfilenode, attnum, 7, '', 3 FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
			WHERE relname = 'present' AND attname = 'uuid'`)
		if _, err := s.run("", nil); err != nil {
			t.Fatal(err)
		}
		if got := s.queryText("SELECT count(*)::text FROM rekey.cursors"); got != "0" {
			t.Errorf("%s checkpoints are left", got)
		}
	})
}
