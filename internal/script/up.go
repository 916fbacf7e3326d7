package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// statements gives the pieces of one step. A step that has something to do is asked in the worst state
// that a script which was cut short may have left, so that all its statements are there; the condition
// before each says whether it is needed.
func (m *manuscript) statements(g plan.Group, s step.Predictor, v step.View) ([]piece, error) {
	if len(m.plan.Actions(s, v)) == 0 && !always(s, m.plan.Direction) {
		return nil, nil
	}
	if m.plan.Direction == plan.Down {
		return m.down(g, s, v)
	}
	return m.up(g, s, v)
}

// always tells of a step whose work is not known before those ahead of it are done.
func always(s step.Step, direction plan.Direction) bool {
	_, ok := s.(step.GrantExecute)
	return ok && direction == plan.Up
}

func (m *manuscript) up(g plan.Group, s step.Predictor, v step.View) ([]piece, error) {
	switch s := s.(type) {
	case step.EnsureFunction:
		return m.ensureFunction(s, v)
	case step.GrantExecute:
		return m.grantExecute(s), nil
	case step.AddColumn:
		return m.addColumn(s, v)
	case step.FillColumn:
		return m.fillColumn(g, s, v)
	case step.BuildIndex:
		return m.buildIndex(s, v)
	case step.RequireValue:
		return m.requireValue(s, v)
	case step.Settle:
		return pieces(s, s.Apply(v), words{
			name: g.Table + "_settle", lock: s.Explain().Lock, scans: s.Explain().Scans,
			what: s.Explain().What, needed: hasColumn(s.Target, marked(s.Target)),
		})
	case step.RecordVersion:
		proved := m.prove(s.ID(), "is every table whole? Else the version is not recorded")
		recorded, err := pieces(s, s.Apply(v), words{
			name: "record_version", what: s.Explain().What, lock: s.Explain().Lock, scans: s.Explain().Scans,
			needed: records(s.Schema, s.Table, m.plan.Version),
		})
		return append([]piece{proved}, recorded...), err
	default:
		return nil, fmt.Errorf("it has no place in a script")
	}
}

// prove is the piece that looks at every table once more.
func (m *manuscript) prove(id step.ID, what string) piece {
	return piece{
		step: id, name: "prove", what: what, lock: "none that anybody waits for", scans: "the catalogue", content: block{m.whole()},
	}
}

// proof is the piece that ends a way up on which no version is recorded.
func proof(scope string) step.ID { return step.ID(scope + "/prove") }

// words are what is said of one action.
type words struct{ name, what, lock, scans, needed string }

// pieces puts words beside a step's actions, one for one.
func pieces(s step.Step, actions []step.Action, said ...words) ([]piece, error) {
	if len(actions) != len(said) {
		return nil, fmt.Errorf("it has %d actions where %d are known", len(actions), len(said))
	}
	all := make([]piece, len(actions))
	for i, w := range said {
		a := actions[i]
		all[i] = piece{step: s.ID(), name: w.name, what: w.what, lock: w.lock, scans: w.scans, needed: w.needed}
		switch a := a.(type) {
		case step.Change:
			all[i].content = change{a.Table, a.Exclusive, a.Only, a.Statements}
		case step.Validate:
			all[i].content = change{table: a.Table, only: true, statements: []string{a.SQL}}
		default:
			return nil, fmt.Errorf("action %d is a %T", i+1, a)
		}
	}
	return all, nil
}

const (
	instant  = "ACCESS EXCLUSIVE, an instant"
	nothing  = "nothing"
	noWaiter = "SHARE UPDATE EXCLUSIVE, which no reader or writer waits for"
)

func (m *manuscript) ensureFunction(s step.EnsureFunction, v step.View) ([]piece, error) {
	e := s.Explain()
	return pieces(s, s.Apply(v), words{
		name: "create_function", what: e.What + ": " + e.Why, lock: e.Lock, scans: e.Scans,
		needed: not(function(s.Schema, s.Source(m.plan.Server.Major()))),
	})
}

func (m *manuscript) grantExecute(s step.GrantExecute) []piece {
	e := s.Explain()
	return []piece{{
		step: s.ID(), name: "grant_execute", what: e.What + ": " + e.Why, lock: e.Lock, scans: "the catalogue",
		content: block{m.grants()},
	}}
}

func (m *manuscript) addColumn(s step.AddColumn, v step.View) ([]piece, error) {
	t, e := s.Target, s.Explain()
	w := words{name: t.Table + "_add_column", what: e.What + ": " + e.Why, lock: e.Lock, scans: e.Scans}
	switch origin, _ := t.Read(v.Table); origin {
	case step.Absent:
		w.needed = not(hasColumn(t, ""))
		all, err := pieces(s, s.Apply(v), w)
		if t.IsTree() {
			guard(all, m.unmerged(t))
		}
		return all, err
	case step.Untouched:
		w.name = t.Table + "_adopt_column"
		w.what = "adopt column " + t.Column + ", which was there: a mark in its comment says what it was like, for the way down"
		w.needed = hasColumn(t, not("("+found(t)+")"))
		if !t.HasDefault(v.Table.Column(t.Column)) {
			return pieces(s, s.Apply(v), w)
		}
		w.lock = noWaiter
		return pieces(s, s.Apply(v), append([]words{w}, defaults(s, s.WithoutDefault(v.Table))...)...)
	default:
		lacking := s.WithoutDefault(v.Table)
		if !t.HasDefault(v.Table.Column(t.Column)) {
			lacking = []*catalog.Table{v.Table}
		}
		return pieces(s, s.Apply(v), defaults(s, lacking)...)
	}
}

// defaults are the words for tables whose default is set.
func defaults(s step.AddColumn, lacking []*catalog.Table) []words {
	said := make([]words, len(lacking))
	for i, one := range lacking {
		t := s.Target
		t.Schema, t.Table = one.Schema, one.Name
		said[i] = words{
			name: t.Table + "_set_default", what: "set the default of column " + t.Column + " of " + t.String(), lock: s.Explain().Lock,
			scans: s.Explain().Scans, needed: not(hasDefault(t)),
		}
	}
	return said
}

// hasDefault holds where the column's default is a bare call of the target's function, or one that will do.
func hasDefault(t step.Target) string {
	return hasColumn(t, "EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum"+
		" AND pg_get_expr(d.adbin, d.adrelid) = ANY ("+calls(t)+"))")
}

// calls are the defaults that will do, as PostgreSQL writes them.
func calls(t step.Target) string {
	list := call(t.Function)
	if t.KeepsMark && !t.Random() {
		list += ", 'uuidv7()'" // the core's, from 18 on
	}
	return "ARRAY[" + list + "]"
}

// call writes a call of the function as PostgreSQL writes it.
func call(f sqltext.Table) string {
	if f.Schema == "pg_catalog" { // which is in the search_path
		return sqltext.Format("format('%I()', {})", sqltext.Value(f.Name))
	}
	return sqltext.Format("format('%I.%I()', {}, {})", sqltext.Value(f.Schema), sqltext.Value(f.Name))
}

// fillColumn drops a proof that is not proved yet, as a script that was cut short may have left it: it
// makes the application's updates of unfilled rows fail.
func (m *manuscript) fillColumn(g plan.Group, s step.FillColumn, v step.View) (all []piece, err error) {
	for _, part := range s.Target.Parts(v.Table) {
		filled, err := m.fillTable(g, s.ID(), part, v)
		if err != nil {
			return nil, err
		}
		all = append(all, filled...)
	}
	return all, nil
}

func (m *manuscript) fillTable(g plan.Group, id step.ID, part step.Part, v step.View) ([]piece, error) {
	t := part.Target
	worst := worstView(v, part.Table)
	worst.Unfilled = true
	worst.Table.Column(t.Column).NotNull = false
	worst.Table.Constraints = append(worst.Table.Constraints, t.Proof())
	s := step.FillColumn{Target: t}
	actions := s.Apply(worst)
	if len(actions) != 2 { //nolint:mnd // the proof goes, the rows are filled
		return nil, fmt.Errorf("it has %d actions where 2 are known", len(actions))
	}
	open := hasColumn(t, nullable(m.plan.Server.Major()))
	all, err := pieces(s, actions[:1], words{
		name:  t.Table + "_drop_old_proof",
		what:  about(t, "drop the proof of NOT NULL that a run which was cut short has left unproved: under it updates of unfilled rows fail"),
		lock:  instant,
		scans: nothing, needed: hasConstraint(t, "NOT p.convalidated") + " AND " + open,
	})
	e := s.Explain()
	all = append(all, piece{
		name: t.Table + "_fill", what: about(t, e.What+" by the clock: "+e.Why), lock: e.Lock,
		scans: "the table, a few pages at a time, and once more for rows that were skipped", needed: open,
		content: fill{target: t, filling: m.o.Filling(g, t), replica: m.replica(t, part.Table)},
	})
	return ofStep(id, all), err
}

// about says which table of a tree a piece is about.
func about(t step.Target, what string) string {
	if t.Root == "" || t.Root == t.String() {
		return what
	}
	return t.String() + ": " + what
}

// ofStep gives pieces that were made for one table of a tree to the step of all of them.
func ofStep(id step.ID, all []piece) []piece {
	for i := range all {
		all[i].step = id
	}
	return all
}

// replica tells whether the filling turns the application's ordinary triggers off, as up does where the
// role may.
func (m *manuscript) replica(t step.Target, table *catalog.Table) bool {
	return m.plan.Server.Role.ReplicaRole && slices.ContainsFunc(table.Triggers, func(own catalog.Trigger) bool { return own.FiresOnUpdateOf(t.Column) })
}

// buildIndex gives every build that may be wanted, each behind the dropping of what an old one left.
func (m *manuscript) buildIndex(s step.BuildIndex, v step.View) ([]piece, error) {
	t, joined := s.Target.ForTree(v.Table)
	if stale := s.StaleIndex(v.Table); stale != nil {
		all, err := pieces(s, []step.Action{stale}, dropStale(t))
		if err != nil {
			return nil, err
		}
		built, err := m.buildIndex(s, s.AfterUndo(v))
		return append(all, built...), err
	}
	worst := t.WithInvalidIndexes(v.Table)
	view := v
	view.Table = worst
	actions := s.Apply(view)
	var above, joints []words
	if joined {
		above, joints = m.above(t, worst), m.joints(t, worst)
	}
	parts := t.Parts(worst)
	if len(actions) != len(above)+2*len(parts)+len(joints) {
		return nil, fmt.Errorf("it has %d actions where %d are known", len(actions), len(above)+2*len(parts)+len(joints))
	}
	all, err := pieces(s, actions[:len(above)], above...)
	if err != nil {
		return nil, err
	}
	actions = actions[len(above):]
	for _, part := range parts {
		all = append(all, buildTable(s, part.Target, actions[0], actions[1])...)
		actions = actions[2:]
	}
	last, err := pieces(s, actions, joints...)
	return append(all, last...), err
}

// buildTable drops what is left of an old index of one table, and builds a new one.
func buildTable(s step.BuildIndex, t step.Target, drop, build step.Action) []piece {
	const concurrently = "CONCURRENTLY "
	sql := step.SQL(build)[0]
	e := step.BuildIndex{Target: t}.Explain()
	return []piece{
		{
			step: s.ID(), name: t.Table + "_drop_invalid_index",
			what:    about(t, "drop what an index build that was cut short has left; it would pass for the index"),
			scans:   nothing,
			needed:  hasIndex(t, "NOT i.indisvalid"),
			content: leftover{target: t, sql: step.SQL(drop)[0], short: sqltext.Format("DROP INDEX {}", indexOf(t))},
		},
		{
			step: s.ID(), name: t.Table + "_build_index", what: about(t, "build unique index "+t.Index+": "+e.Why),
			lock:  "SHARE UPDATE EXCLUSIVE, which no reader or writer waits for, for as long as it takes; it waits itself for every older transaction of the database",
			scans: "the table, twice", needed: not(hasIndex(t, "i.indisvalid")),
			content: index{target: t, sql: sql, again: strings.Replace(sql, concurrently, concurrently+"IF NOT EXISTS ", 1)},
		},
	}
}

func indexOf(t step.Target) sqltext.Table { return sqltext.Table{Schema: t.Schema, Name: t.Index} }

// requireValue gives all four changes of each table whatever is there of the proof already. A partitioned table follows its
// partitions.
func (m *manuscript) requireValue(s step.RequireValue, v step.View) (all []piece, err error) {
	for _, part := range s.Target.Parts(v.Table) {
		required, err := m.requireOf(part, v)
		if err != nil {
			return nil, err
		}
		all = append(all, required...)
	}
	if c := v.Table.Column(s.Target.Column); v.Table.Kind == catalog.Partitioned && !c.NotNull {
		above, err := m.requireAbove(s, v)
		if err != nil {
			return nil, err
		}
		all = append(all, above...)
	}
	return ofStep(s.ID(), all), nil
}

// requireOf gives none but the last where the column is NOT NULL and only the proof is left.
func (m *manuscript) requireOf(part step.Part, v step.View) ([]piece, error) {
	t, s := part.Target, step.RequireValue{Target: part.Target}
	worst := worstView(v, part.Table)
	open := hasColumn(t, nullable(m.plan.Server.Major()))
	gone := words{
		name: t.Table + "_drop_proof", lock: instant, scans: nothing,
		what:   about(t, "drop the proof: a statement of its own, since in one with SET NOT NULL it would go first and the table would be read"),
		needed: hasConstraint(t, "") + " AND " + not(open),
	}
	if worst.Table.Column(t.Column).NotNull {
		if actions := s.Apply(worst); len(actions) > 0 {
			return pieces(s, actions, gone)
		}
		return nil, nil
	}
	worst.Table.Constraints = slices.DeleteFunc(worst.Table.Constraints, func(c catalog.Constraint) bool { return c.Name == t.Check })
	all, err := pieces(s, s.Apply(worst),
		words{
			name: t.Table + "_add_proof", lock: instant, scans: nothing + ": new and updated rows are checked from here on",
			what:   about(t, "add a CHECK that will prove NOT NULL"),
			needed: open + " AND " + not(hasConstraint(t, "")) + " AND " + hasDefault(t),
		},
		words{
			name: t.Table + "_validate_proof", lock: noWaiter + ", while the rows are read",
			scans: "the table, once, beside readers and writers", what: about(t, "prove the CHECK over the rows that are there"),
			needed: open + " AND " + hasConstraint(t, "NOT p.convalidated"),
		},
		words{
			name: t.Table + "_set_not_null", lock: instant, scans: nothing + ": the proved CHECK is believed",
			what: about(t, "make "+t.Column+" NOT NULL"), needed: open + " AND " + hasConstraint(t, "p.convalidated") + " AND " + hasDefault(t),
		},
		gone)
	if err == nil && t.Only { // it goes on to the children
		guard(all[2:3], m.unproved(t))
	}
	return all, err
}

// worstView is a view of one table that may be changed.
func worstView(v step.View, table *catalog.Table) step.View {
	v.Table = table.WithoutBelow()
	v.Table.Constraints = slices.Clone(v.Table.Constraints)
	return v
}

// place numbers a line of a VALUES list.
func place(n int) string { return strconv.Itoa(n + 1) }
