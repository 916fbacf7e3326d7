package step

import "github.com/rekey-pg/rekey/internal/lock"

// FinishEdge writes into the mark that the edge is finished, as its last step.
type FinishEdge struct {
	Unscripted

	Edge Edge
}

// ID implements Step.
func (s FinishEdge) ID() ID { return s.Edge.id("finish") }

// Explain implements Step.
func (s FinishEdge) Explain() Explanation {
	return Explanation{
		What:     "write into the comment of " + s.Edge.UUID + " that it is finished",
		Undo:     "write that it is not",
		Why:      "the comment shows down that rekey made the column, and the next run how far it came",
		Lock:     "SHARE UPDATE EXCLUSIVE, an instant, which blocks no reader or writer",
		Scans:    "nothing",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s FinishEdge) Check(v View) Outcome {
	child := v.Relation(s.Edge.Child)
	origin, mark := s.Edge.ReadMark(child)
	return outcomeIf(origin == Made && mark.Finished, "the column is not marked as finished")
}

// Apply implements Step.
func (s FinishEdge) Apply(v View) []Action {
	if s.Check(v).Done || v.Relation(s.Edge.Child).Column(s.Edge.UUID) == nil { // a plan asks before the column exists
		return nil
	}
	return s.write(v, true)
}

// Undo implements Step.
func (s FinishEdge) Undo(v View) []Action {
	if child := v.Relation(s.Edge.Child); child == nil || !s.Check(v).Done {
		return nil
	}
	return s.write(v, false)
}

// Rows implements Step.
func (FinishEdge) Rows() RowReader { return nil }

func (s FinishEdge) write(v View, finished bool) []Action {
	child := v.Relation(s.Edge.Child)
	origin, mark := s.Edge.ReadMark(child)
	var before *string
	if origin == Absent { // while the plan is made
		mark = s.Edge.Mark(child, v.Relation(s.Edge.Parent))
	} else {
		before = child.Column(s.Edge.UUID).Comment
	}
	mark.Finished = finished
	return []Action{Change{Locks: s.Edge.on(lock.ShareUpdateExclusive), Statements: s.Edge.comment(mark.Comment(before))}}
}
