package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// writeStep returns the statements of one step. A step with something to do is asked in the worst state that an
// interrupted script may leave, so that the result contains all its statements. The condition of each decides at run
// time whether it is needed.
func (m *script) writeStep(g plan.Group, s step.Step, v step.View) ([]statement, error) {
	if len(m.plan.Actions(s, v)) == 0 && !always(s, m.plan.Direction) {
		return nil, nil
	}
	if m.plan.Direction == plan.Down {
		return m.down(g, s, v)
	}
	return m.up(g, s, v)
}

// always reports whether the work of a step is unknown until the steps before it are done.
func always(s step.Step, direction plan.Direction) bool {
	_, ok := s.(step.GrantExecute)
	return ok && direction == plan.Up
}

func (m *script) up(g plan.Group, s step.Step, v step.View) ([]statement, error) {
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
		return describe(s, s.Apply(v), description{
			name: g.Table.Name + "_settle", lock: s.Explain().Lock, scans: s.Explain().Scans,
			what: s.Explain().What, needed: hasColumn(s.Target, markedMade(s.Target)),
		})
	case step.RecordVersion:
		proved := m.prove(s.ID(), "check that every table is complete; otherwise the version is not recorded")
		recorded, err := describe(s, s.Apply(v), description{
			name: "record_version", what: s.Explain().What, lock: s.Explain().Lock, scans: s.Explain().Scans,
			needed: versionIs(s.Schema, s.Table, m.plan.Version),
		})
		return append([]statement{proved}, recorded...), err
	default:
		return nil, fmt.Errorf("a script cannot contain it")
	}
}

// prove returns the statement that checks every table at the end.
func (m *script) prove(id step.ID, what string) statement {
	return statement{
		step: id, name: "prove", what: what, lock: "none that blocks other sessions", scans: "the catalogue", content: block{m.completeCheck()},
	}
}

// proofStep is the last step of an up script that records no version.
func proofStep(scope string) step.ID { return step.ID(scope + "/prove") }

// description is the explanation of one action.
type description struct{ name, what, lock, scans, needed string }

// describe combines a step's actions with their descriptions, one for one.
func describe(s step.Step, actions []step.Action, descriptions ...description) ([]statement, error) {
	if len(actions) != len(descriptions) {
		return nil, fmt.Errorf("it has %d actions, expected %d", len(actions), len(descriptions))
	}
	all := make([]statement, len(actions))
	for i, w := range descriptions {
		a := actions[i]
		all[i] = statement{step: s.ID(), name: w.name, what: w.what, lock: w.lock, scans: w.scans, needed: w.needed}
		switch a := a.(type) {
		case step.Change:
			all[i].content = change{a.Locks, a.Statements}
		case step.Validate:
			all[i].content = change{locks: validationLock(a.Table), statements: a.SQL()}
		default:
			return nil, fmt.Errorf("action %d is a %T", i+1, a)
		}
	}
	return all, nil
}

// validationLock returns the lock of VALIDATE CONSTRAINT.
func validationLock(table sqltext.Table) []lock.Lock {
	table.Only = true
	return []lock.Lock{lock.On(table, lock.ShareUpdateExclusive)}
}

const (
	briefLock    = "ACCESS EXCLUSIVE, an instant"
	readsNothing = "nothing"
	sharedLock   = "SHARE UPDATE EXCLUSIVE, which blocks no reader or writer"
)

func (m *script) ensureFunction(s step.EnsureFunction, v step.View) ([]statement, error) {
	e := s.Explain()
	return describe(s, s.Apply(v), description{
		name: "create_function", what: e.What + "; " + e.Why, lock: e.Lock, scans: e.Scans,
		needed: not(functionIs(s.Schema, s.Source(m.plan.Server.Major()))),
	})
}

func (m *script) grantExecute(s step.GrantExecute) []statement {
	e := s.Explain()
	return []statement{{
		step: s.ID(), name: "grant_execute", what: e.What + "; " + e.Why, lock: e.Lock, scans: "the catalogue",
		content: block{m.grantBlock()},
	}}
}

func (m *script) addColumn(s step.AddColumn, v step.View) ([]statement, error) {
	t, e := s.Target, s.Explain()
	w := description{name: t.Table + "_add_column", what: e.What + "; " + e.Why, lock: e.Lock, scans: e.Scans}
	switch origin, _ := t.Read(v.Table); origin {
	case step.Absent:
		w.needed = not(hasColumn(t, ""))
		all, err := describe(s, s.Apply(v), w)
		if t.IsTree() {
			prepend(all, m.refuseSameName(t))
		}
		return all, err
	case step.Untouched:
		w.name = t.Table + "_adopt_column"
		w.what = "adopt column " + t.Column + ", which existed before: a mark in its comment records its properties, so that down can restore it"
		w.needed = hasColumn(t, not("("+markedFound(t)+")"))
		if !t.HasDefault(v.Table.Column(t.Column)) {
			return describe(s, s.Apply(v), w)
		}
		w.lock = sharedLock
		return describe(s, s.Apply(v), append([]description{w}, defaults(s, s.WithoutDefault(v.Table))...)...)
	default:
		lacking := s.WithoutDefault(v.Table)
		if !t.HasDefault(v.Table.Column(t.Column)) {
			lacking = []*catalog.Table{v.Table}
		}
		return describe(s, s.Apply(v), defaults(s, lacking)...)
	}
}

// defaults describes the tables whose default is set.
func defaults(s step.AddColumn, lacking []*catalog.Table) []description {
	descriptions := make([]description, len(lacking))
	for i, one := range lacking {
		t := s.Target
		t.Schema, t.Table = one.Schema, one.Name
		descriptions[i] = description{
			name: t.Table + "_set_default", what: "set the default of column " + t.Column + " of " + t.String(), lock: s.Explain().Lock,
			scans: s.Explain().Scans, needed: not(hasDefault(t)),
		}
	}
	return descriptions
}

// hasDefault is true if the column's default is a bare call of the target's function, or another accepted one.
func hasDefault(t step.Target) string {
	return hasColumn(t, "EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum"+
		" AND pg_get_expr(d.adbin, d.adrelid) = ANY ("+calls(t)+"))")
}

// calls returns the accepted defaults, as PostgreSQL writes them.
func calls(t step.Target) string {
	list := call(t.Function)
	if t.KeepsMark && !t.Random() {
		list += ", 'uuidv7()'" // PostgreSQL's own, from version 18 on
	}
	return "ARRAY[" + list + "]"
}

// call writes a call of the function as PostgreSQL writes it.
func call(f sqltext.Table) string {
	if f.Schema == "pg_catalog" { // always in the search_path
		return sqltext.Format("format('%I()', {})", sqltext.Value(f.Name))
	}
	return sqltext.Format("format('%I.%I()', {}, {})", sqltext.Value(f.Schema), sqltext.Value(f.Name))
}

// fillColumn fills the column of every table that holds rows. A CHECK that an interrupted script left NOT VALID is
// dropped first, since it makes the application's updates of unfilled rows fail.
func (m *script) fillColumn(g plan.Group, s step.FillColumn, v step.View) (all []statement, err error) {
	for _, part := range s.Target.Parts(v.Table) {
		filled, err := m.fillTable(g, s.ID(), part, v)
		if err != nil {
			return nil, err
		}
		all = append(all, filled...)
	}
	return all, nil
}

func (m *script) fillTable(g plan.Group, id step.ID, part step.Part, v step.View) ([]statement, error) {
	t := part.Target
	worst := worstView(v, part.Table)
	worst.Unfilled = true
	worst.Table.Column(t.Column).NotNull = false
	worst.Table.Constraints = append(worst.Table.Constraints, t.Proof())
	s := step.FillColumn{Target: t}
	actions := s.Apply(worst)
	if len(actions) != 2 { //nolint:mnd // drop the CHECK, fill the rows
		return nil, fmt.Errorf("it has %d actions, expected 2", len(actions))
	}
	needed := hasColumn(t, nullable(m.plan.Server.Major()))
	all, err := describe(s, actions[:1], description{
		name:  t.Table + "_drop_old_proof",
		what:  label(t, "drop the CHECK that an interrupted run left NOT VALID: it makes updates of unfilled rows fail"),
		lock:  briefLock,
		scans: readsNothing, needed: hasConstraint(t, "NOT p.convalidated") + " AND " + needed,
	})
	e := s.Explain()
	all = append(all, statement{
		name: t.Table + "_fill", what: label(t, e.What+" by the clock; "+e.Why), lock: e.Lock,
		scans: "the table, a few pages at a time, and again for rows that were skipped", needed: needed,
		content: fill{target: t, filling: m.o.Filling(g, t), replica: m.replica(t, part.Table)},
	})
	return withStep(id, all), err
}

// label prefixes a text with the table of a tree to which it applies.
func label(t step.Target, what string) string {
	if t.Root == "" || t.Root == t.String() {
		return what
	}
	return t.String() + ": " + what
}

// withStep assigns statements of one table of a tree to the step of the tree.
func withStep(id step.ID, all []statement) []statement {
	for i := range all {
		all[i].step = id
	}
	return all
}

// replica reports whether the filling turns off the application's ordinary triggers. It does if the role may.
func (m *script) replica(t step.Target, table *catalog.Table) bool {
	return m.plan.Server.Role.ReplicaRole && slices.ContainsFunc(table.Triggers, func(own catalog.Trigger) bool { return own.FiresOnUpdateOf(t.Column) })
}

// buildIndex returns every build that may be needed, each after the statement that drops an invalid index.
func (m *script) buildIndex(s step.BuildIndex, v step.View) ([]statement, error) {
	t, joined := s.Target.ForTree(v.Table)
	if stale := s.StaleIndex(v.Table); stale != nil {
		all, err := describe(s, []step.Action{stale}, dropStale(t))
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
	var above, joints []description
	if joined {
		above, joints = m.parentIndexes(t, worst), m.attachments(t, worst)
	}
	parts := t.Parts(worst)
	if len(actions) != len(above)+2*len(parts)+len(joints) {
		return nil, fmt.Errorf("it has %d actions, expected %d", len(actions), len(above)+2*len(parts)+len(joints))
	}
	all, err := describe(s, actions[:len(above)], above...)
	if err != nil {
		return nil, err
	}
	actions = actions[len(above):]
	for _, part := range parts {
		all = append(all, buildTable(s, part.Target, actions[0], actions[1])...)
		actions = actions[2:]
	}
	last, err := describe(s, actions, joints...)
	return append(all, last...), err
}

// buildTable drops an invalid index of one table, and builds a new one.
func buildTable(s step.BuildIndex, t step.Target, drop, build step.Action) []statement {
	const concurrently = "CONCURRENTLY "
	sql := build.SQL()[0]
	e := step.BuildIndex{Target: t}.Explain()
	return []statement{
		{
			step: s.ID(), name: t.Table + "_drop_invalid_index",
			what:    label(t, "drop the invalid index that an interrupted build left"),
			scans:   readsNothing,
			needed:  hasIndex(t, "NOT i.indisvalid"),
			content: invalidIndex{target: t, concurrently: drop.SQL()[0], underLock: sqltext.Format("DROP INDEX {}", indexOf(t))},
		},
		{
			step: s.ID(), name: t.Table + "_build_index", what: label(t, "build unique index "+t.Index+"; "+e.Why),
			lock:  "SHARE UPDATE EXCLUSIVE, which blocks no reader or writer, during the build; the build waits for all older transactions of the database",
			scans: "the table, twice", needed: not(hasIndex(t, "i.indisvalid")),
			content: index{target: t, sql: sql, idempotent: strings.Replace(sql, concurrently, concurrently+"IF NOT EXISTS ", 1)},
		},
	}
}

func indexOf(t step.Target) sqltext.Table { return sqltext.Table{Schema: t.Schema, Name: t.Index} }

// requireValue returns all four changes of each table, regardless of how much of the CHECK exists. A partitioned table
// follows its partitions.
func (m *script) requireValue(s step.RequireValue, v step.View) (all []statement, err error) {
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
	return withStep(s.ID(), all), nil
}

// requireOf returns only the last change if the column is NOT NULL already and only the CHECK is left.
func (m *script) requireOf(part step.Part, v step.View) ([]statement, error) {
	t, s := part.Target, step.RequireValue{Target: part.Target}
	worst := worstView(v, part.Table)
	needed := hasColumn(t, nullable(m.plan.Server.Major()))
	dropProof := description{
		name: t.Table + "_drop_proof", lock: briefLock, scans: readsNothing,
		what:   label(t, "drop the CHECK, in a separate statement: together with SET NOT NULL it would be dropped first, and the table would be scanned"),
		needed: hasConstraint(t, "") + " AND " + not(needed),
	}
	if worst.Table.Column(t.Column).NotNull {
		if actions := s.Apply(worst); len(actions) > 0 {
			return describe(s, actions, dropProof)
		}
		return nil, nil
	}
	worst.Table.Constraints = slices.DeleteFunc(worst.Table.Constraints, func(c catalog.Constraint) bool { return c.Name == t.Check })
	all, err := describe(s, s.Apply(worst),
		description{
			name: t.Table + "_add_proof", lock: briefLock, scans: readsNothing + "; new and updated rows are checked from now on",
			what:   label(t, "add a CHECK to prove NOT NULL"),
			needed: needed + " AND " + not(hasConstraint(t, "")) + " AND " + hasDefault(t),
		},
		description{
			name: t.Table + "_validate_proof", lock: sharedLock + ", while the rows are read",
			scans: "the table, once, without blocking readers and writers", what: label(t, "validate the CHECK on the existing rows"),
			needed: needed + " AND " + hasConstraint(t, "NOT p.convalidated"),
		},
		description{
			name: t.Table + "_set_not_null", lock: briefLock, scans: readsNothing + "; the validated CHECK proves it",
			what: label(t, "make "+t.Column+" NOT NULL"), needed: needed + " AND " + hasConstraint(t, "p.convalidated") + " AND " + hasDefault(t),
		},
		dropProof)
	if err == nil && t.Only { // SET NOT NULL recurses to the children
		prepend(all[2:3], m.refuseRows(t))
	}
	return all, err
}

// worstView returns a view of one table that may be modified.
func worstView(v step.View, table *catalog.Table) step.View {
	v.Table = table.WithoutBelow()
	v.Table.Constraints = slices.Clone(v.Table.Constraints)
	return v
}

// ordinal returns the number of a row in a VALUES list, counted from 1.
func ordinal(n int) string { return strconv.Itoa(n + 1) }
