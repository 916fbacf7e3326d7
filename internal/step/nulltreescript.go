package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// allowTreeScript makes the column nullable again in the tables of a tree in which it was nullable before up. PostgreSQL
// drops NOT NULL from all tables below, so those that had their own get it back in the same transaction, with a CHECK
// validated before.
func (s RequireValue) allowTreeScript(v View) []Statement {
	needed := s.Target.stillNotNull(v.Table)
	actions := s.Undo(s.Target.withProofs(v, false))
	parts := s.Target.Parts(v.Table)
	var all []Statement
	proved := map[sqltext.Table]bool{}
	for i, a := range actions {
		t := s.Target
		if one, ok := partOf(parts, a); ok {
			t = one
		}
		switch {
		case i == len(actions)-1:
			allow := scripted(a, s.Target.Table+"_allow_null", s.Explain().Undo+"; tables below that had their own NOT NULL keep it", needed)
			allow.Lock, allow.Scans = t.treeWords(a.Locked()), readsNothing+"; a validated CHECK proves the NOT NULL that is restored"
			all = append(all, allow)
		case proved[t.Name()]: // its CHECK is added before
			all = append(all, validateScript(t, a, condition.And(needed, t.hasCheck("NOT p.convalidated"))))
		default:
			proved[t.Name()] = true
			all = append(all, scripted(a, t.Table+"_add_proof", t.label("add a CHECK to prove the NOT NULL that the table keeps"),
				condition.And(needed, condition.Not(t.hasCheck()))))
		}
	}
	if len(proved) > 0 {
		all = first(all, s.Target.refuseNewRows(v.Table))
	}
	if v.Server.Major() >= condition.FirstNotValid && len(all) > 0 {
		all = append(all, s.Target.allowBelowScript(v.Table)...)
	}
	return append(all, s.dropProofsScript(v, needed, proved)...)
}

// allowBelowScript makes the column nullable in each table below. From PostgreSQL 18 on, each has had its own NOT NULL
// since up, which stays when the parent's is dropped.
func (t Target) allowBelowScript(root *catalog.Table) (all []Statement) {
	for _, one := range t.Nullable(root) {
		if one.Name() == t.Name() {
			continue
		}
		allow := Change{Locks: []lock.Lock{lock.On(one.Name(), lock.AccessExclusive)}, Statements: []string{
			sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", one.Name(), sqltext.Name(one.Column)),
		}}
		all = append(all, scripted(allow, one.Table+"_allow_null", one.String()+": allow NULL here as well",
			condition.And(t.hasColumn(t.isFound()), one.hasColumn("a.attnotnull"))))
	}
	return all
}

// dropProofsScript drops the constraints that allowTreeScript added, and those that an earlier run left.
func (s RequireValue) dropProofsScript(v View, needed string, proved map[sqltext.Table]bool) (all []Statement) {
	parts := s.Target.Parts(v.Table)
	for i, a := range s.Undo(s.Target.withProofs(s.AfterUndo(v), true)) {
		t := parts[i].Target
		if !proved[t.Name()] && parts[i].Table.Constraint(t.Check) == nil {
			continue
		}
		all = append(all, scripted(a, t.Table+"_drop_proof", t.label("drop the CHECK"), condition.And(t.hasCheck(), condition.Not(needed))))
	}
	return all
}

// withProofs returns a view in which every table that holds rows has its CHECK, or none has.
func (t Target) withProofs(v View, present bool) View {
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
func (t Target) stillNotNull(root *catalog.Table) string {
	var either []string
	for _, one := range t.Nullable(root) {
		either = append(either, one.hasColumn("a.attnotnull"))
	}
	if len(either) == 0 {
		return "false"
	}
	return "(" + t.hasColumn(t.isFound()) + " AND (" + strings.Join(either, " OR ") + "))"
}

// refuseNewRows refuses to continue if SET NOT NULL would have to scan a table that was added since.
func (t Target) refuseNewRows(root *catalog.Table) string {
	known := make([]string, 0, len(root.Below))
	for _, one := range root.Below {
		known = append(known, condition.Regclass(one.Named()))
	}
	// IS NOT TRUE, since a table that was dropped since is a NULL among the known ones.
	return condition.Refuse(t.Name(), t.Column,
		"(a.attrelid = ANY (ARRAY["+strings.Join(known, ", ")+"]::oid[])) IS NOT TRUE AND pg_relation_size(a.attrelid) > 0", wouldScan, "down")
}
