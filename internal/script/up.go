package script

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// statements gives the pieces of one step. A step that has something to do is asked in the worst state
// that a script which was cut short may have left, so that all its statements are there; the condition
// before each says whether it is needed.
func (m *manuscript) statements(g plan.Group, s step.Foreseer, v step.View) ([]piece, error) {
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

func (m *manuscript) up(g plan.Group, s step.Foreseer, v step.View) ([]piece, error) {
	switch s := s.(type) {
	case step.EnsureFunction:
		return m.ensureFunction(s, v)
	case step.GrantExecute:
		return m.grantExecute(s), nil
	case step.AddColumn:
		return m.addColumn(s, v)
	case step.FillColumn:
		return m.fillColumn(s, v)
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
			all[i].content = change{a.Table, a.Exclusive, a.Statements}
		case step.Validate:
			all[i].content = change{a.Table, false, []string{a.SQL}}
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
	case step.Foreign:
		w.name = t.Table + "_adopt_column"
		w.what = "adopt column " + t.Column + ", which was there: a mark in its comment says what it was like, for the way down"
		w.needed = hasColumn(t, not("("+found(t)+")"))
		if t.HasDefault(v.Table.Column(t.Column)) {
			w.lock = noWaiter
		}
	default:
		w.name = t.Table + "_set_default"
		w.what = "set the default of column " + t.Column
		w.needed = not(hasDefault(t))
	}
	return pieces(s, s.Apply(v), w)
}

// hasDefault holds where the column's default is a bare call of the target's function, or one that will do.
func hasDefault(t step.Target) string {
	return hasColumn(t, "EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum"+
		" AND pg_get_expr(d.adbin, d.adrelid) = ANY ("+calls(t)+"))")
}

// calls are the defaults that will do, as PostgreSQL writes them.
func calls(t step.Target) string {
	list := call(t.Function)
	if t.Lasting && !t.Random() {
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
func (m *manuscript) fillColumn(s step.FillColumn, v step.View) ([]piece, error) {
	t := s.Target
	worst := worstView(v, t)
	worst.Table.Constraints = append(worst.Table.Constraints, catalog.Constraint{Name: t.Check})
	actions := s.Apply(worst)
	if len(actions) != 2 { //nolint:mnd // the proof goes, the rows are filled
		return nil, fmt.Errorf("it has %d actions where 2 are known", len(actions))
	}
	open := hasColumn(t, nullable(m.plan.Server.Major()))
	all, err := pieces(s, actions[:1], words{
		name:  t.Table + "_drop_old_proof",
		what:  "drop the proof of NOT NULL that a run which was cut short has left unproved: under it updates of unfilled rows fail",
		lock:  instant,
		scans: nothing, needed: hasConstraint(t, "NOT p.convalidated") + " AND " + open,
	})
	e := s.Explain()
	return append(all, piece{
		step: s.ID(), name: t.Table + "_fill", what: e.What + " by the clock: " + e.Why, lock: e.Lock,
		scans: "the table, a few pages at a time, and once more for rows that were skipped", needed: open,
		content: fill{target: t, replica: m.replica(t, v.Table)},
	}), err
}

// replica tells whether the filling turns the application's ordinary triggers off, as up does where the
// role may.
func (m *manuscript) replica(t step.Target, table *catalog.Table) bool {
	return m.plan.Server.Role.ReplicaRole && slices.ContainsFunc(table.Triggers, func(own catalog.Trigger) bool { return own.OnUpdateOf(t.Column) })
}

func (m *manuscript) buildIndex(s step.BuildIndex, v step.View) ([]piece, error) {
	t, e := s.Target, s.Explain()
	worst := worstView(v, t)
	if worst.Table.Index(t.Index) == nil {
		worst.Table.Indexes = append(worst.Table.Indexes, catalog.Index{Name: t.Index})
	}
	actions := s.Apply(worst)
	if len(actions) != 2 { //nolint:mnd // what is left of an old one goes, a new one is built
		return nil, fmt.Errorf("it has %d actions where 2 are known", len(actions))
	}
	drop, build := step.SQL(actions[0])[0], step.SQL(actions[1])[0]
	name := sqltext.Table{Schema: t.Schema, Name: t.Index}
	return []piece{
		{
			step: s.ID(), name: t.Table + "_drop_invalid_index",
			what:    "drop what an index build that was cut short has left; it would pass for the index",
			scans:   nothing,
			needed:  hasIndex(t, "NOT i.indisvalid"),
			content: leftover{target: t, sql: drop, short: sqltext.Format("DROP INDEX {}", name)},
		},
		{
			step: s.ID(), name: t.Table + "_build_index", what: e.What + ": " + e.Why,
			lock: e.Lock + ", for as long as it takes; it waits itself for every older transaction of the database", scans: e.Scans,
			needed: not(hasIndex(t, "i.indisvalid")),
			content: index{target: t, sql: build, again: sqltext.Format("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {} ON {} ({})",
				sqltext.Name(t.Index), t.Name(), sqltext.Name(t.Column))},
		},
	}, nil
}

// requireValue gives all four changes whatever is there of the proof already, unless the column is NOT
// NULL and only the proof is left.
func (m *manuscript) requireValue(s step.RequireValue, v step.View) ([]piece, error) {
	t := s.Target
	open := hasColumn(t, nullable(m.plan.Server.Major()))
	gone := words{
		name: t.Table + "_drop_proof", lock: instant, scans: nothing,
		what:   "drop the proof: a statement of its own, since in one with SET NOT NULL it would go first and the table would be read",
		needed: hasConstraint(t, "") + " AND " + not(open),
	}
	if v.Table.Column(t.Column).NotNull {
		return pieces(s, s.Apply(v), gone)
	}
	worst := worstView(v, t)
	worst.Table.Constraints = slices.DeleteFunc(worst.Table.Constraints, func(c catalog.Constraint) bool { return c.Name == t.Check })
	return pieces(s, s.Apply(worst),
		words{
			name: t.Table + "_add_proof", lock: instant, scans: nothing + ": new and updated rows are checked from here on",
			what:   "add a CHECK that will prove NOT NULL",
			needed: open + " AND " + not(hasConstraint(t, "")),
		},
		words{
			name: t.Table + "_validate_proof", lock: noWaiter + ", while the rows are read",
			scans: "the table, once, beside readers and writers", what: "prove the CHECK over the rows that are there",
			needed: open + " AND " + hasConstraint(t, "NOT p.convalidated"),
		},
		words{
			name: t.Table + "_set_not_null", lock: instant, scans: nothing + ": the proved CHECK is believed",
			what: "make " + t.Column + " NOT NULL", needed: open + " AND " + hasConstraint(t, "p.convalidated"),
		},
		gone)
}

// worstView is a view whose table may be changed.
func worstView(v step.View, _ step.Target) step.View {
	table := *v.Table
	table.Indexes = slices.Clone(table.Indexes)
	table.Constraints = slices.Clone(table.Constraints)
	v.Table = &table
	return v
}

// place numbers a line of a VALUES list.
func place(n int) string { return strconv.Itoa(n + 1) }
