package script

import (
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// statement is a statement of one step of the plan.
type statement struct {
	step.Statement

	step  step.ID
	group plan.Group
}

// fills returns the tables whose rows the statement fills.
func (p statement) fills() []step.Target {
	if p.Action == nil {
		return nil
	}
	return p.Action.Fills()
}

// runs reports whether the statement runs an action: the same SQL on the same tables, or the same filling.
func (p statement) runs(a step.Action) bool {
	return p.Action != nil && slices.Equal(p.Action.SQL(), a.SQL()) && slices.Equal(p.Action.Tables(), a.Tables())
}

// statementsOf returns the statements of one step, in the plan's direction.
func (m *script) statementsOf(g plan.Group, s step.Step, v step.View) ([]statement, error) {
	all := s.ApplyScript
	if m.plan.Direction == plan.Down {
		all = s.UndoScript
	}
	var statements []statement
	for _, one := range all(v) {
		statements = append(statements, statement{one, s.ID(), g})
	}
	for _, a := range m.plan.Actions(s, v) {
		does := func(p statement) bool { return p.Block != "" || p.runs(a) }
		if !slices.ContainsFunc(statements, does) {
			if g.Edge != nil {
				return nil, &EdgeError{Edge: g.String(), Reason: "A trigger, an index or a constraint of it has to be repaired in a way that only rekey does"}
			}
			return nil, fmt.Errorf("a script cannot contain it: it has no statement for %q", a.SQL())
		}
	}
	if m.plan.Direction == plan.Up && recordsVersion(g) && len(statements) > 0 {
		proof := m.prove(s.ID(), "check that every table is complete; otherwise the version is not recorded")
		statements = append([]statement{proof}, statements...)
	}
	return statements, nil
}

// prove returns the statement that checks every table at the end.
func (m *script) prove(id step.ID, what string) statement {
	return statement{step: id, Statement: step.Statement{
		Name: "prove", What: what, Lock: "none that blocks other sessions", Scans: "the catalogue", Block: m.completeCheck(),
	}}
}

// proofStep is the last step of an up script that records no version.
func proofStep(scope string) step.ID { return step.ID(scope + "/prove") }
