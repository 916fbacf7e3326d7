package script

import (
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// planned is a plan, and the schema as it will be when the plan is done.
type planned struct {
	plan.Plan
	schema catalog.Schema
}

// back is the way back from the schema that is foreseen.
func (p planned) back(schema catalog.Schema) plan.Plan {
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

// write asks every step for its statements, each in the view that the ones before it leave.
func write(p plan.Plan, o Options) (*manuscript, error) {
	m := &manuscript{plan: planned{Plan: p, schema: p.Schema}, o: o}
	m.plan.schema.Relations = slices.Clone(p.Schema.Relations)
	for _, g := range p.Groups {
		if err := m.group(g); err != nil {
			return nil, err
		}
	}
	if m.free() && p.Direction == plan.Up && m.whole() != "" {
		m.pieces = append(m.pieces, m.prove(proof(p.SchemaName), "is every table whole?"))
	}
	return m, nil
}

func (m *manuscript) group(g plan.Group) error {
	view := m.plan.View(g)
	view.Schema = m.plan.schema
	for _, s := range g.Steps {
		foreseer, ok := s.(step.Predictor)
		if !ok {
			return fmt.Errorf("step %s cannot be written down: it does not foresee what it does", s.ID())
		}
		pieces, err := m.statements(g, foreseer, view)
		if err != nil {
			return fmt.Errorf("step %s: %w", s.ID(), err)
		}
		m.pieces = append(m.pieces, pieces...)
		view = m.after(foreseer, view)
		if left := m.plan.Actions(s, view); len(left) > 0 {
			return fmt.Errorf("step %s foresees that %d actions are left", s.ID(), len(left))
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

func (m *manuscript) after(s step.Predictor, v step.View) step.View {
	if m.plan.Direction == plan.Down {
		return s.AfterUndo(v)
	}
	return s.AfterApply(v)
}
