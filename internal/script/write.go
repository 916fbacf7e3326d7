package script

import (
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// predicted is a plan, and the schema as it will be after the plan.
type predicted struct {
	plan.Plan
	schema catalog.Schema
}

// reversed returns the plan that goes back from the predicted schema.
func (p predicted) reversed(schema catalog.Schema) plan.Plan {
	b := p.Plan
	b.Direction, b.Version, b.Schema = plan.Down, max(p.To, p.Version), schema
	b.Groups = slices.Clone(p.Groups)
	slices.Reverse(b.Groups)
	for i := range b.Groups {
		b.Groups[i].Steps = slices.Clone(b.Groups[i].Steps)
		slices.Reverse(b.Groups[i].Steps)
	}
	return b
}

// write makes the statements of every step, each in the view that the steps before it leave.
func write(p plan.Plan, o Options) (*script, error) {
	m := &script{plan: predicted{Plan: p, schema: p.Schema}, o: o}
	m.plan.schema.Relations = slices.Clone(p.Schema.Relations)
	for _, g := range p.Groups {
		if err := m.group(g); err != nil {
			return nil, err
		}
	}
	if !m.plan.Versioned() && p.Direction == plan.Up && m.completeCheck() != "" {
		m.statements = append(m.statements, m.prove(proofStep(p.SchemaName), "check that every table is complete"))
	}
	return m, nil
}

func (m *script) group(g plan.Group) error {
	view := m.plan.View(g)
	view.Schema, view.Targets = m.plan.schema, m.targetTables()
	for _, s := range g.Steps {
		statements, err := m.statementsOf(g, s, view)
		if err != nil {
			return fmt.Errorf("step %s: %w", s.ID(), err)
		}
		m.statements = append(m.statements, statements...)
		view = m.after(s, view)
		if left := m.plan.Actions(s, view); len(left) > 0 {
			return fmt.Errorf("step %s predicts that %d actions are left", s.ID(), len(left))
		}
	}
	m.plan.schema.Function = view.Schema.Function
	if view.Table != nil {
		for i := range m.plan.schema.Relations {
			if m.plan.schema.Relations[i].Name == view.Table.Name {
				m.plan.schema.Relations[i] = *view.Table
			}
		}
	}
	return nil
}

func (m *script) after(s step.Step, v step.View) step.View {
	if m.plan.Direction == plan.Down {
		return s.AfterUndo(v)
	}
	return s.AfterApply(v)
}
