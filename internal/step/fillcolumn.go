package step

// FillColumn gives every row that has none a value.
type FillColumn struct{ Target Target }

// ID implements Step.
func (s FillColumn) ID() ID { return s.Target.id("fill-column") }

// Explain implements Step.
func (s FillColumn) Explain() Explanation {
	return Explanation{
		What:   "fill " + s.Target.Column + " in the rows that were there",
		Undo:   "nothing: the values go with the column; those of a column that was found stay",
		Why:    "in short committed batches that skip rows the application holds, and come back for them",
		Lock:   "ROW EXCLUSIVE, and the batch's own rows",
		Scans:  "the table, a few pages at a time",
		UndoneBy: Absorbed,
	}
}

// ReadsRows implements Reader.
func (s FillColumn) ReadsRows() bool { return true }

// Check implements Step.
func (s FillColumn) Check(v View) Outcome {
	return outcomeIf(forAllParts(s.Target, v, filled), "rows without a value")
}

// Apply implements Step. A CHECK that is not proved yet makes the application's updates of unfilled
// rows fail: a row that lost its value meanwhile is filled without it.
func (s FillColumn) Apply(v View) []Action {
	return forEachPart(s.Target, v, func(t Target, v View) []Action {
		if filled(t, v) {
			return nil
		}
		actions := []Action{Fill{Target: t}}
		if t.proof(v.Table) != nil {
			return append(dropCheckNow(t), actions...)
		}
		return actions
	})
}

func filled(t Target, v View) bool {
	c := v.Table.Column(t.Column)
	return c != nil && (c.NotNull || !v.Unfilled)
}

// Undo implements Step: a made column goes with AddColumn's undo, a found one keeps its values, since
// the application may have handed them out.
func (s FillColumn) Undo(View) []Action { return nil }
