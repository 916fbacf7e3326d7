package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
)

// FinishEdge writes into the mark that the edge is finished. Only MoveArbiter comes after it.
type FinishEdge struct {
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
		Lock:     changeWords(s.Edge.on(lock.ShareUpdateExclusive)),
		Scans:    "nothing",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s FinishEdge) Check(v View) Outcome {
	child := v.Relation(s.Edge.Child)
	if child == nil {
		return pending("no table " + s.Edge.Child.String())
	}
	origin, mark := s.Edge.ReadMark(child)
	return outcomeIf(origin == Made && mark.Finished, "the column is not marked as finished")
}

// Apply implements Step. A plan asks before the column exists.
func (s FinishEdge) Apply(v View) []Action {
	child := v.Relation(s.Edge.Child)
	if child == nil || !s.Edge.made(child) || s.Check(v).Done {
		return nil
	}
	return s.write(child, true)
}

// Undo implements Step.
func (s FinishEdge) Undo(v View) []Action {
	if !s.Check(v).Done {
		return nil
	}
	return s.write(v.Relation(s.Edge.Child), false)
}

// Rows implements Step.
func (FinishEdge) Rows() RowReader { return nil }

func (s FinishEdge) write(child *catalog.Table, finished bool) []Action {
	_, mark := s.Edge.ReadMark(child)
	mark.Finished = finished
	comment := mark.Comment(child.Column(s.Edge.UUID).Comment)
	return []Action{Change{Locks: s.Edge.on(lock.ShareUpdateExclusive), Statements: s.Edge.comment(comment)}}
}
