package script

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// expectEdge adds the tables of an edge to those that the script expects: the child with its uuid column, and the parent.
func (m *script) expectEdge(g plan.Group, add func(top, t step.Target, kind catalog.Kind, state, mark string)) {
	if work, _ := m.plan.Work(g); !work {
		return
	}
	e := *g.Edge
	child, parent := m.plan.Plan.Schema.Named(e.Child), m.plan.Plan.Schema.Named(e.Parent)
	state := "any"
	if origin, _ := e.ReadMark(child); m.plan.Direction == plan.Up && origin == step.Absent && !e.Inherited {
		state = "no edge"
	} else if origin == step.Made && m.plan.Direction == plan.Up {
		state = "column"
	}
	top := plan.TargetOf(e.Child.Schema, e.Child.Name, e.UUID)
	for _, table := range child.All() {
		t := plan.TargetOf(table.Schema, table.Name, e.UUID)
		switch {
		case table == child:
			add(top, t, table.Kind, state, e.MarkText())
		case e.Tree:
			add(top, t, table.Kind, "any", "")
		default:
			add(t, t, table.Kind, "any", "") // it inherits the column, and has an edge of its own
		}
	}
	if parent == nil || e.SelfReference() {
		return
	}
	for _, table := range parent.All() {
		t := plan.TargetOf(table.Schema, table.Name, e.ParentUUID)
		add(t, t, table.Kind, "any", "")
	}
}

// edgeColumn is the fault of a child that has the uuid column, but not the edge's.
func (m *script) edgeColumn() string {
	if !m.linked() {
		return ""
	}
	return "\n            WHEN state = 'no edge' AND attnum IS NOT NULL AND strpos(comment, mark) = 0 THEN name || ' now has a column ' || quote_ident(col)"
}

// phase describes the phase that a script of edges reaches.
func (m *script) phase() string {
	if !m.linked() {
		return ""
	}
	return ", to phase " + string(m.plan.Goal)
}

// EdgeError reports an edge for which no script can be written.
type EdgeError struct {
	Edge, Reason string
	Expand       bool // a script can be written in phase expanded
}

func (e *EdgeError) Error() string { return e.Edge + ": " + e.Reason }

// refuseEdge refuses an edge whose statements depend on values that an earlier statement of the script would make.
func (m *script) refuseEdge(g plan.Group) error {
	if g.Edge == nil {
		return nil
	}
	if moves := (step.MoveArbiter{Edge: *g.Edge}); m.plan.Direction == plan.Up && !moves.Check(m.plan.View(g)).Done || m.plan.Direction == plan.Down && len(moves.Undo(m.plan.View(g))) > 0 {
		return &EdgeError{Edge: g.String(), Reason: "Its unique indexes change, and each change depends on the one before (--arbiter)"}
	}
	if m.plan.Direction == plan.Down || g.Edge.Default == nil || g.Edge.Default.UUID != "" {
		return nil
	}
	work, _ := m.plan.Work(g)
	if now := m.plan.Plan.Schema.Named(g.Edge.Parent); !work || now == nil || now.Column(g.Edge.ParentUUID) != nil {
		return nil
	}
	return &EdgeError{Edge: g.String(), Expand: true, Reason: "Column " + g.Edge.Column + " has the default " + g.Edge.Default.Key + ", and the uuid of that row does not exist before phase expanded"}
}
