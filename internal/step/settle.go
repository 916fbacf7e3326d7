package step

// Settle takes the mark of an unfinished column away when all the rest is done; on the way down it
// puts the mark back first, so that a column half taken away is still known as ours.
type Settle struct{ Target Target }

// ID implements Step.
func (s Settle) ID() ID { return s.Target.id("settle") }

// Explain implements Step.
func (s Settle) Explain() Explanation {
	why := "a run that was cut short knows its own column by it; nothing of rekey's stays in the table"
	if s.Target.Random() {
		why = "a run that was cut short knows its own column by it; that its values are random is said instead, for down"
	}
	return Explanation{
		What:   "take the mark of an unfinished column away",
		Undo:   "mark the column as unfinished, so that a run that is cut short knows it",
		Why:    why,
		Lock:   "SHARE UPDATE EXCLUSIVE, an instant, which no reader or writer waits for",
		Scans:  "nothing",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s Settle) Check(v View) Outcome {
	return outcomeIf(v.Table.Column(s.Target.Column) != nil && !s.Target.markedUnfinished(v.Table), "the mark is still there")
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

func (s Settle) change(comment string) []Action {
	return []Action{Change{Table: s.Target.Relation(), Statements: []string{comment}}}
}
