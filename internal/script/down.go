package script

import (
	"fmt"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

func (m *manuscript) down(g plan.Group, s step.Foreseer, v step.View) ([]piece, error) {
	actions, e := s.Undo(v), s.Explain()
	switch s := s.(type) {
	case step.RecordVersion:
		return pieces(s, actions, words{
			name: "record_version", what: e.Back + ", first, so that it never claims what is not there", lock: e.Lock, scans: nothing,
			needed: records(s.Schema, s.Table, s.To),
		})
	case step.Settle:
		return pieces(s, actions, words{
			name: g.Table + "_unsettle", what: e.Back, lock: e.Lock, scans: nothing,
			needed: hasColumn(s.Target, not("("+marked(s.Target)+")")),
		})
	case step.RequireValue:
		return m.allowNull(s, actions)
	case step.BuildIndex:
		t := s.Target
		return []piece{{
			step: s.ID(), name: t.Table + "_drop_index", what: "drop index " + t.Index + ", concurrently",
			lock: noWaiter + "; it waits itself for transactions that use the index", scans: nothing,
			needed: hasIndex(t, ""),
			content: index{target: t, drop: true, sql: step.SQL(actions[0])[0], again: sqltext.Format("DROP INDEX CONCURRENTLY IF EXISTS {}",
				sqltext.Table{Schema: t.Schema, Name: t.Index})},
		}}, nil
	case step.AddColumn:
		return m.dropColumn(s, actions, v)
	default:
		return nil, fmt.Errorf("it has no place in a script of the way down")
	}
}

func (m *manuscript) allowNull(s step.RequireValue, actions []step.Action) ([]piece, error) {
	t := s.Target
	var said []words
	if len(actions) > 0 {
		first, ok := actions[0].(step.Change)
		if ok && first.Statements[0] == sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", t.Name(), sqltext.Name(t.Check)) {
			said = append(said, words{
				name: t.Table + "_drop_proof", what: "drop the proof that a run which was cut short has left", lock: instant, scans: nothing,
				needed: hasConstraint(t, ""),
			})
		}
	}
	if len(said) < len(actions) {
		said = append(said, words{
			name: t.Table + "_allow_null", what: s.Explain().Back, lock: instant, scans: nothing,
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
			lock: instant, scans: nothing, needed: hasColumn(t, found(t)),
		}
		if changed, ok := actions[0].(step.Change); ok && !changed.Exclusive {
			w.lock = noWaiter + ", an instant"
		}
		return pieces(s, actions, w)
	}
	all, err := pieces(s, actions, words{
		name: t.Table + "_drop_column", what: "drop column " + t.Column + ", never with CASCADE, and only while nothing else hangs on it",
		lock: instant, scans: nothing, needed: hasColumn(t, marked(t)),
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

// attached refuses to go on while something hangs on the column: DROP COLUMN would take indexes,
// constraints and statistics with it without a word.
func attached(t step.Target) string {
	return "DO " + sqltext.Dollar(sqltext.Format(`DECLARE
    other text;
BEGIN
    SELECT string_agg(pg_describe_object(d.classid, d.objid, d.objsubid), ', ') INTO other
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refclassid = 'pg_class'::regclass AND a.attrelid = to_regclass({}) AND a.attname = {}
      AND d.classid <> 'pg_attrdef'::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint n WHERE d.classid = 'pg_constraint'::regclass AND n.oid = d.objid AND n.contype = 'n');
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist', MESSAGE = 'something hangs on the column: ' || other;
    END IF;
END`, sqltext.Value(t.Relation()), sqltext.Value(t.Column)))
}
