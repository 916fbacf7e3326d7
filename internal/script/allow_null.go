package script

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// allowTree makes the column nullable again in the tables of a tree in which it was nullable before up. PostgreSQL
// drops NOT NULL from all tables below, so those that had their own get it back in the same transaction, with a CHECK
// validated before.
func (m *script) allowTree(s step.RequireValue, v step.View) ([]statement, error) {
	actions := s.Undo(proofs(s.Target, v, false))
	needed := stillNotNull(s.Target, v.Table)
	parts := s.Target.Parts(v.Table)
	var descriptions []description
	proved := map[sqltext.Table]bool{}
	for i, a := range actions {
		t := s.Target
		if at := slices.IndexFunc(parts, func(p step.Part) bool { return slices.Contains(a.Tables(), p.Name()) }); at >= 0 {
			t = parts[at].Target
		}
		switch _, validates := a.(step.Validate); {
		case validates:
			descriptions = append(descriptions, description{
				name: t.Table + "_validate_proof", what: label(t, "validate the CHECK on the existing rows"), lock: sharedLock + ", while the rows are read",
				scans: "the table, once, without blocking readers and writers", needed: needed + " AND " + hasConstraint(t, "NOT p.convalidated"),
			})
		case i == len(actions)-1:
			descriptions = append(descriptions, description{
				name: s.Target.Table + "_allow_null", what: s.Explain().Undo + "; tables below that had their own NOT NULL keep it", lock: treeLock(t),
				scans: readsNothing + "; a validated CHECK proves the NOT NULL that is restored", needed: needed,
			})
		default:
			proved[a.Tables()[0]] = true
			descriptions = append(descriptions, description{
				name: t.Table + "_add_proof", what: label(t, "add a CHECK to prove the NOT NULL that the table keeps"), lock: briefLock, scans: readsNothing,
				needed: needed + " AND " + not(hasConstraint(t, "")),
			})
		}
	}
	all, err := describe(s, actions, descriptions...)
	if err != nil {
		return nil, err
	}
	if len(proved) > 0 {
		prepend(all[len(all)-1:], m.refuseNewRows(s.Target, v.Table))
	}
	if v.Server.Major() >= firstNotValid && len(all) > 0 {
		all = append(all, allowBelow(s, v.Table)...)
	}
	dropped, err := dropProofs(s, v, needed, proved)
	return append(all, dropped...), err
}

// allowBelow makes the column nullable in each table below. From PostgreSQL 18 on, each has had its own NOT NULL since
// up, which stays when the parent's is dropped.
func allowBelow(s step.RequireValue, root *catalog.Table) (all []statement) {
	for _, t := range s.Target.Nullable(root) {
		if t.Name() == s.Target.Name() {
			continue
		}
		all = append(all, statement{
			step: s.ID(), name: t.Table + "_allow_null", what: t.String() + ": allow NULL here as well", lock: briefLock, scans: readsNothing,
			needed: hasColumn(s.Target, markedFound(s.Target)) + " AND " + hasColumn(t, "a.attnotnull"),
			content: change{locks: []lock.Lock{lock.On(t.Name(), lock.AccessExclusive)}, statements: []string{
				sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", t.Name(), sqltext.Name(t.Column)),
			}},
		})
	}
	return all
}

// dropProofs drops the constraints that allowTree added, and those that an earlier run left.
func dropProofs(s step.RequireValue, v step.View, needed string, proved map[sqltext.Table]bool) (all []statement, err error) {
	parts := s.Target.Parts(v.Table)
	for i, a := range s.Undo(proofs(s.Target, s.AfterUndo(v), true)) {
		t := parts[i].Target
		if !proved[t.Name()] && parts[i].Table.Constraint(t.Check) == nil {
			continue
		}
		one, err := describe(s, []step.Action{a}, description{
			name: t.Table + "_drop_proof", what: label(t, "drop the CHECK"), lock: briefLock, scans: readsNothing,
			needed: hasConstraint(t, "") + " AND " + not(needed),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// proofs returns a view in which every table that holds rows has its CHECK, or none has.
func proofs(t step.Target, v step.View, present bool) step.View {
	table := *v.Table
	table.Below = slices.Clone(table.Below)
	for _, one := range table.All() {
		one.Constraints = slices.DeleteFunc(slices.Clone(one.Constraints), func(c catalog.Constraint) bool { return c.Name == t.Check })
		if present {
			one.Constraints = append(one.Constraints, t.Proof())
		}
	}
	v.Table = &table
	return v
}

// stillNotNull is true while a table whose column was nullable before up does not allow NULL.
func stillNotNull(t step.Target, root *catalog.Table) string {
	var either []string
	for _, one := range t.Nullable(root) {
		either = append(either, hasColumn(one, "a.attnotnull"))
	}
	if len(either) == 0 {
		return "false"
	}
	return "(" + hasColumn(t, markedFound(t)) + " AND (" + strings.Join(either, " OR ") + "))"
}
