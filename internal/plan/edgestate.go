package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/step"
)

// notCounted is what an unfinished edge lacks as far as status shows it, which reads no rows.
const notCounted = "its rows were not counted (verify counts them)"

// progress sets how far an edge is, and what it lacks.
func (l *Link) progress(s Input, child *catalog.Table) {
	origin, _ := l.Edge.ReadMark(child)
	l.Progress = EdgeNone
	if origin != step.Absent {
		l.Progress, l.Missing = progressOf(l.Edge, edgeView(s, l.Edge, child))
		rows, counted := s.EdgeRows[KeyOf(l.Edge)]
		if at := slices.Index(l.Missing, step.NotFilled); at >= 0 && !counted {
			l.Missing[at] = notCounted
		}
		if rows.Orphans > 0 {
			l.stopAtFilled()
			l.Missing = append(l.Missing, message.Counted(rows.Orphans, "row refers", "rows refer")+" to no row of the parent")
		}
	}
	switch {
	case l.State != "":
	case l.damaged:
		l.State, l.Progress, l.Missing = Incomplete, EdgeNone, []string{"no mark of rekey in the comment of " + l.Edge.UUID}
	case s.Direction == Up && origin != step.Absent && origin != step.Made && !l.Edge.Inherited:
		l.State, l.Progress, l.Missing = Pending, EdgeNone, nil // the application's column
	case s.Direction == Up && l.Progress == EdgeLinked && len(l.Missing) == 0:
		l.State = Complete
	case s.Direction == Up && l.made:
		l.State = Incomplete
	default:
		l.State = Pending
	}
}

// edgeView returns what the steps of an edge see at the time of planning.
func edgeView(s Input, e step.Edge, child *catalog.Table) step.View {
	view := step.View{Server: s.Server, Schema: s.Schema, Table: child, Filled: map[uint32]bool{}}
	Plan{EdgeRows: s.EdgeRows}.setFilled(&view, e)
	return view
}

// setFilled sets whether the rows of an edge are filled. Rows that were not read count as filled only if the edge was finished.
func (p Plan) setFilled(view *step.View, e step.Edge) {
	if view.Table == nil {
		return
	}
	_, mark := e.ReadMark(view.Table)
	view.Unfilled = !mark.Finished
	if rows, counted := p.EdgeRows[KeyOf(e)]; counted {
		view.Unfilled = rows.Unfilled
	}
	for _, one := range view.Table.All() {
		view.Filled[one.OID] = !view.Unfilled
	}
}

// progressOf returns the last state that an edge has reached with all before it, and what it lacks.
func progressOf(e step.Edge, view step.View) (state EdgeState, missing []string) {
	state = EdgeNone
	stages := []struct {
		reaches EdgeState
		steps   []step.Step
	}{
		{EdgeWired, []step.Step{step.WireEdge{Edge: e}}},
		{EdgeFilled, []step.Step{step.FillEdge{Edge: e}}},
		{EdgeMirrored, []step.Step{step.MirrorIndexes{Edge: e}}},
		{EdgeLinked, nil},
	}
	if e.ParentIndex != "" {
		stages[2].steps = append(stages[2].steps, step.BuildParentIndex{Edge: e})
	}
	if e.Constrained() {
		stages[3].steps = append(stages[3].steps, step.LinkEdge{Edge: e})
	}
	if e.Required {
		stages[3].steps = append(stages[3].steps, step.RequireUUID{Edge: e})
	}
	for _, stage := range stages {
		before := len(missing)
		for _, one := range stage.steps {
			if outcome := one.Check(view); !outcome.Done {
				missing = append(missing, outcome.Reason)
			}
		}
		if before == 0 && len(missing) == 0 {
			state = stage.reaches
		}
	}
	if outcome := (step.MoveArbiter{Edge: e}).Check(view); state == EdgeLinked && !outcome.Done {
		missing = append(missing, outcome.Reason)
	}
	return state, missing
}

// WithRows returns a link as its rows show it, after they were counted. child is the table with the column.
func (p Plan) WithRows(l Link, child *catalog.Table, rows EdgeRows) Link {
	view := step.View{Server: p.Server, Schema: p.Schema, Table: child, Filled: map[uint32]bool{}}
	Plan{EdgeRows: map[EdgeKey]EdgeRows{KeyOf(l.Edge): rows}}.setFilled(&view, l.Edge)
	l.Progress, l.Missing = progressOf(l.Edge, view)
	if rows.Orphans > 0 {
		l.stopAtFilled()
	}
	return l
}

// stopAtFilled sets the last state that an edge with orphans can reach.
func (l *Link) stopAtFilled() {
	if l.Progress == EdgeMirrored || l.Progress == EdgeLinked {
		l.Progress = EdgeFilled
	}
}
