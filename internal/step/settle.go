package step

import "github.com/rekey-pg/rekey/internal/condition"

// Settle removes the mark of an unfinished column as the last step of a table. On the way down it sets the mark again
// first, so that rekey still recognises a column that is only partly undone.
type Settle struct{ Target Target }

// ID implements Step.
func (s Settle) ID() ID { return s.Target.id("settle") }

// Explain implements Step.
func (s Settle) Explain() Explanation {
	why := "the mark identifies the column after an interrupted run; nothing of rekey's stays in the table"
	if s.Target.Random() {
		why = "the mark identifies the column after an interrupted run; a mark of random values replaces it, for down"
	}
	return Explanation{
		What:     "remove the mark of an unfinished column",
		Undo:     "mark the column as unfinished, to identify it after an interrupted run",
		Why:      why,
		Lock:     changeWords(s.Target.shared()),
		Scans:    "nothing",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s Settle) Check(v View) Outcome {
	return outcomeIf(v.Table.Column(s.Target.Column) != nil && !s.Target.markedUnfinished(v.Table), "the column is still marked as unfinished")
}

// Apply implements Step.
func (s Settle) Apply(v View) []Action {
	c := v.Table.Column(s.Target.Column)
	if c != nil && !s.Target.markedUnfinished(v.Table) {
		return nil
	}
	return s.change(s.Target.commentFinished(c))
}

// Undo implements Step.
func (s Settle) Undo(v View) []Action {
	origin, _ := s.Target.Read(v.Table)
	if origin != Made || s.Target.markedUnfinished(v.Table) {
		return nil
	}
	return s.change(s.Target.commentMade(v.Table.Column(s.Target.Column).Comment))
}

// Rows implements Step.
func (Settle) Rows() RowReader { return nil }

func (s Settle) change(comment string) []Action {
	return []Action{Change{Locks: s.Target.shared(), Statements: []string{comment}}}
}

// AfterApply implements Step.
func (s Settle) AfterApply(v View) View {
	if s.Check(v).Done {
		return v
	}
	v, c := s.Target.copyOf(v)
	if c != nil {
		c.Comment = optional(s.Target.finishedComment(c))
	}
	return v
}

// AfterUndo implements Step.
func (s Settle) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, c := s.Target.copyOf(v)
	c.Comment = optional(s.Target.madeComment(c.Comment))
	return v
}

// ApplyScript implements Step.
func (s Settle) ApplyScript(v View) []Statement {
	settle := onlyOne(s.Apply(v))
	if settle == nil {
		return nil
	}
	return []Statement{scripted(settle, s.Target.Table+"_settle", s.Explain().What, s.Target.hasColumn(s.Target.isMade()))}
}

// UndoScript implements Step.
func (s Settle) UndoScript(v View) []Statement {
	mark := onlyOne(s.Undo(v))
	if mark == nil {
		return nil
	}
	return []Statement{scripted(mark, s.Target.Table+"_unsettle", s.Explain().Undo, s.Target.hasColumn(condition.Not("("+s.Target.isMade()+")")))}
}
