package script

import (
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

func (m *script) down(g plan.Group, s step.Step, v step.View) ([]statement, error) {
	actions, e := s.Undo(v), s.Explain()
	switch s := s.(type) {
	case step.RecordVersion:
		return describe(s, actions, description{
			name: "record_version", what: e.Undo + ", first, so that the recorded version is never ahead of the tables", lock: e.Lock, scans: readsNothing,
			needed: versionIs(s.Schema, s.Table, s.To),
		})
	case step.Settle:
		return describe(s, actions, description{
			name: g.Table.Name + "_unsettle", what: e.Undo, lock: e.Lock, scans: readsNothing,
			needed: hasColumn(s.Target, not("("+markedMade(s.Target)+")")),
		})
	case step.RequireValue:
		return m.allowNull(s, v)
	case step.BuildIndex:
		return m.dropIndexes(s, actions, v)
	case step.AddColumn:
		return m.dropColumn(s, actions, v)
	default:
		return nil, fmt.Errorf("a script of down cannot contain it")
	}
}

// dropIndexes drops each table's index that is attached to no other, then the indexes of partitioned tables.
func (m *script) dropIndexes(s step.BuildIndex, actions []step.Action, v step.View) (all []statement, err error) {
	above, _ := s.Target.ForTree(v.Table)
	for _, a := range actions {
		switch a := a.(type) {
		case step.Concurrently:
			t := targetNamed(s.Target, v.Table, a)
			all = append(all, statement{
				step: s.ID(), name: t.Table + "_drop_index", what: label(t, "drop index "+t.Index+", concurrently"),
				lock: sharedLock + "; it waits for transactions that use the index", scans: readsNothing,
				needed:  hasIndex(t, unattached+" AND "+matchesIndex(t)),
				content: index{target: t, drop: true, sql: a.Statement, idempotent: sqltext.Format("DROP INDEX CONCURRENTLY IF EXISTS {}", indexOf(t))},
			})
		case step.Change:
			dropped, err := describe(s, []step.Action{a}, dropAbove(above, v.Table, a))
			if err != nil {
				return nil, err
			}
			all = append(all, dropped...)
		default:
			return nil, fmt.Errorf("its action is a %T", a)
		}
	}
	return all, nil
}

// targetNamed returns the target, or the one of a table below it, whose index an action builds or drops.
func targetNamed(t step.Target, root *catalog.Table, a step.Concurrently) step.Target {
	for _, part := range t.Parts(root) {
		if part.Name() == a.Table {
			t = part.Target
		}
	}
	t.Index = a.Index
	return t
}

// dropAbove describes the removal of a partitioned table's index.
func dropAbove(t step.Target, root *catalog.Table, drop step.Change) description {
	for _, one := range t.Partitioned(root) {
		if slices.Contains(drop.Tables(), one.Name()) {
			t = one.Target
		}
	}
	return description{
		name: t.Table + "_drop_index", what: "drop index " + t.Index + " of " + t.String() + ", and the indexes of its partitions",
		lock: treeLock(t), scans: readsNothing, needed: hasIndex(t, unattached+" AND "+matchesIndex(t)),
	}
}

// allowNull drops each leftover CHECK, and makes a column that existed before up nullable again.
func (m *script) allowNull(s step.RequireValue, v step.View) (all []statement, err error) {
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
	return withStep(s.ID(), all), nil
}

func allowOf(s step.RequireValue, v step.View) ([]statement, error) {
	t := s.Target
	actions := s.Undo(v)
	var descriptions []description
	if len(actions) > 0 {
		first, ok := actions[0].(step.Change)
		if ok && first.Statements[0] == sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", t.Name(), sqltext.Name(t.Check)) {
			descriptions = append(descriptions, description{
				name: t.Table + "_drop_proof", what: label(t, "drop the CHECK that an interrupted run left"), lock: briefLock, scans: readsNothing,
				needed: hasConstraint(t, ""),
			})
		}
	}
	if len(descriptions) < len(actions) {
		descriptions = append(descriptions, description{
			name: t.Table + "_allow_null", what: s.Explain().Undo, lock: briefLock, scans: readsNothing,
			needed: hasColumn(t, "a.attnotnull AND "+markedFound(t)),
		})
	}
	return describe(s, actions, descriptions...)
}

// dropColumn drops a column that up made, or restores one that existed before up.
func (m *script) dropColumn(s step.AddColumn, actions []step.Action, v step.View) ([]statement, error) {
	t := s.Target
	if origin, _ := t.Read(v.Table); origin != step.Made {
		w := description{
			name: t.Table + "_give_back", what: "restore comment and default of column " + t.Column + ", which existed before up; its values stay",
			lock: treeLock(t), scans: readsNothing, needed: hasColumn(t, markedFound(t)),
		}
		if changed, ok := actions[0].(step.Change); ok && len(lock.Exclusive(changed.Locks)) == 0 {
			w.lock = sharedLock + ", an instant"
		}
		return describe(s, actions, w)
	}
	all, err := describe(s, actions, description{
		name: t.Table + "_drop_column", what: "drop column " + t.Column + ", without CASCADE and only if no other object depends on it",
		lock: treeLock(t), scans: readsNothing, needed: hasColumn(t, markedMade(t)),
	})
	if err != nil {
		return nil, err
	}
	alter, ok := all[0].content.(change)
	if !ok {
		return nil, fmt.Errorf("the action that drops the column is a %T", all[0].content)
	}
	alter.statements = append([]string{dependents(t)}, alter.statements...)
	all[0].content = alter
	return all, nil
}

// dependents raises an error if another object depends on the column in one of the tables. DROP COLUMN would silently
// drop indexes, constraints and statistics as well.
func dependents(t step.Target) string {
	return "DO " + sqltext.Dollar("\n"+template("dependents", "tree", tree(t), "column", sqltext.Literal(t.Column))+"\n")
}
