package script

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// allowTree gives the NULL back that was allowed in some tables of a tree, and not in others: PostgreSQL takes a NOT NULL away from
// all that is below a table, and those that had their own get it again in the same transaction, proved before.
func (m *manuscript) allowTree(s step.RequireValue, v step.View) ([]piece, error) {
	actions := s.Undo(proofs(s.Target, v, false))
	open := tight(s.Target, v.Table)
	parts := s.Target.Parts(v.Table)
	var said []words
	proved := map[string]bool{}
	for i, a := range actions {
		t := s.Target
		if at := slices.IndexFunc(parts, func(p step.Part) bool { return p.Relation() == step.Table(a) }); at >= 0 {
			t = parts[at].Target
		}
		switch _, validates := a.(step.Validate); {
		case validates:
			said = append(said, words{
				name: t.Table + "_validate_proof", what: about(t, "prove the CHECK over the rows that are there"), lock: noWaiter + ", while the rows are read",
				scans: "the table, once, beside readers and writers", needed: open + " AND " + hasConstraint(t, "NOT p.convalidated"),
			})
		case i == len(actions)-1:
			said = append(said, words{
				name: s.Target.Table + "_allow_null", what: s.Explain().Undo + "; tables below that had their own NOT NULL keep it", lock: wide(t),
				scans: nothing + ": what is NOT NULL again is proved", needed: open,
			})
		default:
			proved[step.Table(a)] = true
			said = append(said, words{
				name: t.Table + "_add_proof", what: about(t, "add a CHECK that will prove the NOT NULL which it keeps"), lock: instant, scans: nothing,
				needed: open + " AND " + not(hasConstraint(t, "")),
			})
		}
	}
	all, err := pieces(s, actions, said...)
	if err != nil {
		return nil, err
	}
	if len(proved) > 0 {
		guard(all[len(all)-1:], m.unknown(s.Target, v.Table))
	}
	if v.Server.Major() >= firstUnproved && len(all) > 0 {
		all = append(all, allowBelow(s, v.Table)...)
	}
	dropped, err := dropProofs(s, v, open, proved)
	return append(all, dropped...), err
}

// allowBelow gives each table below its NULL back. From 18 on each has a NOT NULL of its own since up, which stays when the one
// above it goes.
func allowBelow(s step.RequireValue, root *catalog.Table) (all []piece) {
	for _, t := range s.Target.Nullable(root) {
		if t.Relation() == s.Target.Relation() {
			continue
		}
		all = append(all, piece{
			step: s.ID(), name: t.Table + "_allow_null", what: t.String() + ": allow NULL again here too", lock: instant, scans: nothing,
			needed: hasColumn(s.Target, found(s.Target)) + " AND " + hasColumn(t, "a.attnotnull"),
			content: change{table: t.Relation(), exclusive: true, statements: []string{
				sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", t.Name(), sqltext.Name(t.Column)),
			}},
		})
	}
	return all
}

// dropProofs drops those that were made for it, and those that were left before.
func dropProofs(s step.RequireValue, v step.View, open string, proved map[string]bool) (all []piece, err error) {
	parts := s.Target.Parts(v.Table)
	for i, a := range s.Undo(proofs(s.Target, s.AfterUndo(v), true)) {
		t := parts[i].Target
		if !proved[t.Relation()] && parts[i].Table.Constraint(t.Check) == nil {
			continue
		}
		one, err := pieces(s, []step.Action{a}, words{
			name: t.Table + "_drop_proof", what: about(t, "drop the proof again"), lock: instant, scans: nothing,
			needed: hasConstraint(t, "") + " AND " + not(open),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// proofs is a view in which each table that holds rows has its proof, or none has.
func proofs(t step.Target, v step.View, there bool) step.View {
	table := *v.Table
	table.Below = slices.Clone(table.Below)
	for _, one := range table.All() {
		one.Constraints = slices.DeleteFunc(slices.Clone(one.Constraints), func(c catalog.Constraint) bool { return c.Name == t.Check })
		if there {
			one.Constraints = append(one.Constraints, t.Proof())
		}
	}
	v.Table = &table
	return v
}

// tight holds while a table in which NULL was allowed does not allow it.
func tight(t step.Target, root *catalog.Table) string {
	var either []string
	for _, one := range t.Nullable(root) {
		either = append(either, hasColumn(one, "a.attnotnull"))
	}
	if len(either) == 0 {
		return "false"
	}
	return "(" + hasColumn(t, found(t)) + " AND (" + strings.Join(either, " OR ") + "))"
}
