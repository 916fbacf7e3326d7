package script

import (
	"fmt"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

func (m *manuscript) down(g plan.Group, s step.Predictor, v step.View) ([]piece, error) {
	actions, e := s.Undo(v), s.Explain()
	switch s := s.(type) {
	case step.RecordVersion:
		return pieces(s, actions, words{
			name: "record_version", what: e.Undo + ", first, so that it never claims what is not there", lock: e.Lock, scans: nothing,
			needed: records(s.Schema, s.Table, s.To),
		})
	case step.Settle:
		return pieces(s, actions, words{
			name: g.Table + "_unsettle", what: e.Undo, lock: e.Lock, scans: nothing,
			needed: hasColumn(s.Target, not("("+marked(s.Target)+")")),
		})
	case step.RequireValue:
		return m.allowNull(s, v)
	case step.BuildIndex:
		return m.dropIndexes(s, actions, v)
	case step.AddColumn:
		return m.dropColumn(s, actions, v)
	default:
		return nil, fmt.Errorf("it has no place in a script of the way down")
	}
}

// dropIndexes drops each index of a table that is attached to no other, and then those of partitioned tables.
func (m *manuscript) dropIndexes(s step.BuildIndex, actions []step.Action, v step.View) (all []piece, err error) {
	above, _ := s.Target.ForTree(v.Table)
	for _, a := range actions {
		switch a := a.(type) {
		case step.Concurrently:
			t := a.Target
			all = append(all, piece{
				step: s.ID(), name: t.Table + "_drop_index", what: about(t, "drop index "+t.Index+", concurrently"),
				lock: noWaiter + "; it waits itself for transactions that use the index", scans: nothing,
				needed:  hasIndex(t, loose+" AND "+ours(t)),
				content: index{target: t, drop: true, sql: a.SQL, again: sqltext.Format("DROP INDEX CONCURRENTLY IF EXISTS {}", indexOf(t))},
			})
		case step.Change:
			dropped, err := pieces(s, []step.Action{a}, dropAbove(above, v.Table, a))
			if err != nil {
				return nil, err
			}
			all = append(all, dropped...)
		default:
			return nil, fmt.Errorf("it has a %T", a)
		}
	}
	return all, nil
}

// dropAbove are the words for the index of a partitioned table.
func dropAbove(t step.Target, root *catalog.Table, drop step.Change) words {
	for _, one := range t.Partitioned(root) {
		if one.Relation() == drop.Table {
			t = one.Target
		}
	}
	return words{
		name: t.Table + "_drop_index", what: "drop index " + t.Index + " of " + t.String() + ", and those of its partitions with it",
		lock: wide(t), scans: nothing, needed: hasIndex(t, loose+" AND "+ours(t)),
	}
}

// allowNull drops each proof that was left, and gives a column that was found its NULL back.
func (m *manuscript) allowNull(s step.RequireValue, v step.View) (all []piece, err error) {
	if origin, _ := s.Target.Read(v.Table); origin == step.Found && v.Table.IsTree() {
		return m.allowTree(s, v)
	}
	for _, part := range s.Target.Parts(v.Table) {
		one := v
		one.Table = part.Table
		allowed, err := allowOf(step.RequireValue{Target: part.Target}, one)
		if err != nil {
			return nil, err
		}
		all = append(all, allowed...)
	}
	return ofStep(s.ID(), all), nil
}

func allowOf(s step.RequireValue, v step.View) ([]piece, error) {
	t := s.Target
	actions := s.Undo(v)
	var said []words
	if len(actions) > 0 {
		first, ok := actions[0].(step.Change)
		if ok && first.Statements[0] == sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", t.Name(), sqltext.Name(t.Check)) {
			said = append(said, words{
				name: t.Table + "_drop_proof", what: about(t, "drop the proof that a run which was cut short has left"), lock: instant, scans: nothing,
				needed: hasConstraint(t, ""),
			})
		}
	}
	if len(said) < len(actions) {
		said = append(said, words{
			name: t.Table + "_allow_null", what: s.Explain().Undo, lock: instant, scans: nothing,
			needed: hasColumn(t, "a.attnotnull AND "+found(t)),
		})
	}
	return pieces(s, actions, said...)
}

// dropColumn drops a column that up made, or gives one that it found back as it was.
func (m *manuscript) dropColumn(s step.AddColumn, actions []step.Action, v step.View) ([]piece, error) {
	t := s.Target
	if origin, _ := t.Read(v.Table); origin != step.Made {
		w := words{
			name: t.Table + "_give_back", what: "give column " + t.Column + ", which was found, its comment and default back; its values stay",
			lock: wide(t), scans: nothing, needed: hasColumn(t, found(t)),
		}
		if changed, ok := actions[0].(step.Change); ok && !changed.Exclusive {
			w.lock = noWaiter + ", an instant"
		}
		return pieces(s, actions, w)
	}
	all, err := pieces(s, actions, words{
		name: t.Table + "_drop_column", what: "drop column " + t.Column + ", never with CASCADE, and only while nothing else hangs on it",
		lock: wide(t), scans: nothing, needed: hasColumn(t, marked(t)),
	})
	if err != nil {
		return nil, err
	}
	alter, ok := all[0].content.(change)
	if !ok {
		return nil, fmt.Errorf("dropping the column is a %T", all[0].content)
	}
	alter.statements = append([]string{attached(t)}, alter.statements...)
	all[0].content = alter
	return all, nil
}

// attached refuses to go on while something hangs on the column of one of the tables: DROP COLUMN would take indexes,
// constraints and statistics with it without a word.
func attached(t step.Target) string {
	return "DO " + sqltext.Dollar("\n"+body("attached", "tree", tree(t), "column", sqltext.Literal(t.Column))+"\n")
}
