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

// reversed returns the plan that goes back from the predicted schema: from edges alone if the script changes no table.
func (m *script) reversed() plan.Plan {
	p := m.plan
	b := p.Plan
	b.Direction, b.Version, b.Schema = plan.Down, max(p.To, p.Version), p.schema
	b.Groups = slices.Clone(p.Groups)
	if m.linked() && !slices.ContainsFunc(m.statements, func(s statement) bool { return s.group.Edge == nil && s.Block == "" }) {
		b.Groups, b.Goal = b.Edges(), plan.Expanded
	}
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
	if g.Edge != nil { // the groups before it changed its tables
		view = plan.ViewOf(m.plan.Plan, g, m.plan.schema)
	}
	view.Schema, view.Targets = m.plan.schema, m.targetTables()
	before := len(m.statements)
	if err := m.refuseEdge(g); err != nil {
		return err
	}
	for _, s := range g.Steps {
		statements, err := m.statementsOf(g, s, view)
		if err != nil {
			return fmt.Errorf("step %s: %w", s.ID(), err)
		}
		if m.proves(g, s) && len(m.statements)+len(statements) > before {
			m.statements = append(m.statements, statement{step: s.ID(), group: g, Statement: step.Statement{
				Name: "prove", What: "check that the reference is linked; otherwise it is not marked as finished", Lock: "none that blocks other sessions",
				Scans: "the catalogue", Block: g.Edge.Proof(m.plan.Server.Major()),
			}})
		}
		m.statements = append(m.statements, statements...)
		view = m.after(s, view)
		if left := m.plan.Actions(s, view); len(left) > 0 {
			return fmt.Errorf("step %s predicts that %d actions are left", s.ID(), len(left))
		}
	}
	if g.Edge != nil {
		m.plan.schema = view.Schema
		return nil
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

// proves reports whether the proof of an edge comes before a step: the last one of the way up, which marks it as finished.
func (m *script) proves(g plan.Group, s step.Step) bool {
	return g.Edge != nil && m.plan.Direction == plan.Up && s.ID() == g.Steps[len(g.Steps)-1].ID()
}

// linked reports whether the script concerns edges.
func (m *script) linked() bool { return len(m.plan.Edges()) > 0 }

func (m *script) after(s step.Step, v step.View) step.View {
	if m.plan.Direction == plan.Down {
		return s.AfterUndo(v)
	}
	return s.AfterApply(v)
}
