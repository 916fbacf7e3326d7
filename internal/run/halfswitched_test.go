package run_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

const halfSchema = `CREATE SCHEMA app; CREATE TABLE app.users (id bigserial PRIMARY KEY);
	CREATE TABLE app.posts (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES app.users ON DELETE CASCADE);
	INSERT INTO app.users SELECT FROM generate_series(1, 9); INSERT INTO app.posts (user_id) SELECT n FROM generate_series(1, 9) n`

// TestHalfSwitched ends a switch before each action. In each state a lower goal does nothing on the way up, status and verify say what is
// true, a way down beyond phase linked is refused with the next command, and down to linked is exact.
func TestHalfSwitched(t *testing.T) {
	t.Parallel()
	s := newSchemaRun(t, servertest.Cluster(t, servertest.Versions(t)[0]), halfSchema, nil)
	s.job.Request.Policy.Accept = []plan.HazardName{plan.HazardGroupBy, plan.HazardOnConflictConstraint}
	s.reach(plan.Up, plan.Linked)
	linked := s.fingerprint()
	cuts := 0
	for ; cuts < 40; cuts++ {
		s.job.Request.Goal, s.actions = plan.Switched, nil
		s.job.BeforeAction = func(id step.ID, _ step.Action) error {
			if len(s.actions) == cuts {
				return errCrash
			}
			s.actions = append(s.actions, string(id))
			return nil
		}
		s.job.Request.Direction = plan.Up
		_, err := run.Execute(t.Context(), s.job)
		s.job.BeforeAction = nil
		if err == nil {
			break
		}
		if !errors.Is(err, errCrash) && !strings.Contains(err.Error(), errCrash.Error()) {
			t.Fatalf("after %v: %v", s.actions, err)
		}
		s.checkHalfSwitched()
		s.reach(plan.Down, plan.Linked)
		if diff := cmp.Diff(linked, s.fingerprint()); diff != "" {
			t.Errorf("down to linked after %v (-want +got)\n%s", s.actions, diff)
		}
	}
	if cuts < 10 {
		t.Errorf("%d interruptions prove nothing", cuts)
	}
}

func (s *testRun) checkHalfSwitched() {
	s.t.Helper()
	before := s.fingerprint()
	begun := len(s.actions) > 0
	for _, phase := range []plan.Phase{plan.Linked, plan.Expanded} {
		s.job.Request.Goal = phase
		if result, err := s.goOn(plan.Up); err != nil || !result.NothingToDo {
			s.t.Errorf("after %v: up to %s: nothing to do %v, %v", s.actions, phase, result.NothingToDo, err)
		}
	}
	for _, phase := range []plan.Phase{plan.Expanded, plan.Integers} {
		s.job.Request.Goal = phase
		if !begun { // the schema is linked, and down to expanded is its way
			break
		}
		_, err := s.goOn(plan.Down)
		if list, ok := errors.AsType[problem.List](err); !ok || list[0].Code != "keys_switched" || !strings.Contains(list[0].Hint, "rekey down --to linked") {
			s.t.Errorf("after %v: down to %s: %v", s.actions, phase, err)
		}
	}
	switched := s.queryText(`SELECT count(*)::text FROM pg_constraint WHERE contype = 'p' AND connamespace = 'app'::regnamespace AND pg_get_constraintdef(oid) = 'PRIMARY KEY (uuid)'`)
	setup := rekeytest.Setup{Scope: rekey.Schema{Name: "app"}}
	status, err := rekeytest.Status(s.t.Context(), s.pool, setup)
	if err != nil || (status.Phase == rekey.Switched) != (switched == "2") {
		s.t.Errorf("after %v: status says phase %s with %s switched keys, %v", s.actions, status.Phase, switched, err)
	}
	report, err := rekeytest.Verify(s.t.Context(), s.pool, setup)
	for _, d := range report.Differences {
		if text := fmt.Sprint(d); !strings.Contains(text, "primary key: ") {
			s.t.Errorf("after %v: verify: %s, %v", s.actions, text, err)
		}
	}
	if diff := cmp.Diff(before, s.fingerprint()); diff != "" {
		s.t.Errorf("after %v a lower goal changed the catalogue (-want +got)\n%s", s.actions, diff)
	}
}

// goOn runs in a direction and keeps the list of actions.
func (s *testRun) goOn(direction plan.Direction) (event.Result, error) {
	actions := s.actions
	defer func() { s.actions = actions }()
	return s.migrate(direction)
}
