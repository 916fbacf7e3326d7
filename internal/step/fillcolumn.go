package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// FillColumn gives a value to every row in which the column is NULL.
type FillColumn struct{ Target Target }

// ID implements Step.
func (s FillColumn) ID() ID { return s.Target.id("fill-column") }

// Explain implements Step.
func (s FillColumn) Explain() Explanation {
	return Explanation{
		What:     "fill " + s.Target.Column + " in the existing rows",
		Undo:     "nothing: the values go with the column; an existing column keeps them",
		Why:      "in short committed batches, which skip locked rows and retry them later",
		Lock:     lockWords(Fill{Target: s.Target}.Locked(), ", and the batch's own rows"),
		Scans:    "the table, a few pages at a time",
		UndoneBy: Absorbed,
	}
}

// Unfilled implements RowReader.
func (s FillColumn) Unfilled(table sqltext.Table) string {
	return sqltext.Format("SELECT FROM {} WHERE {} IS NULL LIMIT 1", table, sqltext.Name(s.Target.Column))
}

// Stuck implements RowReader: every row gets a value.
func (s FillColumn) Stuck(sqltext.Table) string { return "" }

// Check implements Step.
func (s FillColumn) Check(v View) Outcome {
	return outcomeIf(forAllParts(s.Target, v, filled), "rows without a value")
}

// Apply implements Step. The CHECK makes the application's updates of unfilled rows fail, so that it is dropped while
// rows without a value are filled.
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

// Undo implements Step. AddColumn's undo drops a column that rekey made; an existing column keeps its values, since the
// application may have passed them on.
func (s FillColumn) Undo(View) []Action { return nil }

// Rows implements Step.
func (s FillColumn) Rows() RowReader { return s }

// AfterApply implements Step.
func (s FillColumn) AfterApply(v View) View {
	before := v
	v, _ = s.Target.copyOf(v)
	for _, table := range v.Table.All() {
		if !v.Table.IsTree() && before.Unfilled || v.Table.IsTree() && !before.Filled[table.OID] {
			s.Target.withoutCheck(table)
		}
	}
	v.Unfilled, v.Filled = false, map[uint32]bool{}
	for _, table := range v.Table.All() {
		v.Filled[table.OID] = true
	}
	return v
}

// AfterUndo implements Step.
func (s FillColumn) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (s FillColumn) ApplyScript(v View) (all []Statement) {
	if len(s.Apply(v)) == 0 {
		return nil
	}
	for _, part := range s.Target.Parts(v.Table) {
		all = append(all, FillColumn{Target: part.Target}.fillScript(worstOf(v, part.Table))...)
	}
	return all
}

// fillScript returns the statements of one table that holds rows. A CHECK that an interrupted script left NOT VALID is
// dropped first, since it makes the application's updates of unfilled rows fail.
func (s FillColumn) fillScript(worst View) []Statement {
	t, e := s.Target, s.Explain()
	worst.Unfilled = true
	worst.Table.Column(t.Column).NotNull = false
	worst.Table.Constraints = append(worst.Table.Constraints, t.Proof())
	actions := s.Apply(worst)
	needed := t.hasColumn(condition.Nullable(worst.Server.Major()))
	return []Statement{
		scripted(actions[0], t.Table+"_drop_old_proof",
			t.label("drop the CHECK that an interrupted run left NOT VALID: it makes updates of unfilled rows fail"),
			condition.And(t.hasCheck("NOT p.convalidated"), needed)),
		{
			Name: t.Table + "_fill", What: t.label(e.What + " by the clock; " + e.Why), Lock: e.Lock,
			Scans: "the table, a few pages at a time, and again for rows that were skipped", Needed: needed, Action: actions[1],
		},
	}
}

// UndoScript implements Step.
func (s FillColumn) UndoScript(View) []Statement { return nil }

// worstOf returns a view of one table that may be changed.
func worstOf(v View, table *catalog.Table) View {
	v.Table = table.WithoutBelow()
	v.Table.Constraints = slices.Clone(v.Table.Constraints)
	return v
}
