package run

import (
	"context"
	"errors"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// nextActions inspects the table and returns what the step still has to do. On a cluster it waits first until no shards of the table move.
func (e *Executor) nextActions(ctx context.Context, g plan.Group, s step.Step, st *groupState) (step.View, []step.Action, error) {
	for {
		view, err := st.view(ctx, s)
		if err == nil {
			err = e.checkEarlierSteps(g, s, view)
		}
		if err != nil {
			return view, nil, err
		}
		actions := step.MergeChanges(e.Plan.Actions(s, view))
		if len(actions) == 0 {
			return view, nil, nil
		}
		waited, err := e.awaitMoves(ctx, g, view.Table)
		if err != nil || !waited {
			return view, actions, err
		}
		st.invalidate()
	}
}

// errStepUndone reports that the result of an earlier step of the group is gone.
var errStepUndone = errors.New("the result of an earlier step was undone")

// checkEarlierSteps checks that the earlier steps of the group are still done, so that no constraint is added to a
// column that has lost its default or its index. Whether rows are filled is not checked here: VALIDATE CONSTRAINT
// proves it.
func (e *Executor) checkEarlierSteps(g plan.Group, s step.Step, view step.View) error {
	if e.Plan.Direction == plan.Down || g.Target.Table == "" {
		return nil
	}
	for _, earlier := range g.Steps {
		if earlier.ID() == s.ID() {
			return nil
		}
		if earlier.Rows() == nil && !earlier.Check(view).Done {
			return errStepUndone
		}
	}
	return nil
}
