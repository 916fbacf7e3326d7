package script

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Which tables are below one may change between two statements of a script, and while it lies about. What would do harm then
// is guarded, under the lock of the change that would do it; the check at the script's beginning and the proof at its end look
// at them as well.

// tree is the start of a query: the tables of one, the top among them, by oid.
func tree(t step.Target) string {
	return "WITH RECURSIVE tree (relation) AS (SELECT " + regclass(t.Relation()) + "::oid" +
		" UNION SELECT h.inhrelid FROM pg_inherits h JOIN tree ON h.inhparent = tree.relation)\n    "
}

// wide is the lock of a change that concerns a table and all that is below it.
func wide(t step.Target) string {
	if t.IsTree() {
		return instant + ", on it and on all below it"
	}
	return instant
}

// guard puts a statement before those of changes, in their transactions.
func guard(all []piece, statement string) {
	for i := range all {
		if alter, ok := all[i].content.(change); ok {
			alter.statements = append([]string{statement}, alter.statements...)
			all[i].content = alter
		}
	}
}

// refuse is a statement that fails where tables below one, whose column is a, meet a condition.
func (m *manuscript) refuse(t step.Target, where, message string) string {
	return "DO " + sqltext.Dollar("\n"+body("refuse", "tree", tree(t), "column", sqltext.Literal(t.Column), "top", regclass(t.Relation()),
		"where", where, "message", sqltext.Literal(message), "again", m.again())+"\n")
}

// unmerged refuses to add the column where a table below has one of that name: the two would become one.
func (m *manuscript) unmerged(t step.Target) string {
	return m.refuse(t, "true", " has a column of that name now, with which the one of the table above it would be merged")
}

// unproved refuses to go on while a table below would have to be read for it.
func (m *manuscript) unproved(t step.Target) string {
	return m.refuse(t, nullable(m.plan.Server.Major())+" AND pg_relation_size(a.attrelid) > 0",
		" came meanwhile and has rows: SET NOT NULL would read it under ACCESS EXCLUSIVE")
}

// unknown refuses to go on while a table below came meanwhile that would have to be read for it.
func (m *manuscript) unknown(t step.Target, root *catalog.Table) string {
	known := make([]string, 0, len(root.Below))
	for _, one := range root.Below {
		known = append(known, regclass(sqltext.Qualified(one.Schema, one.Name)))
	}
	// IS NOT TRUE: a table that is gone since is a NULL among the known ones.
	return m.refuse(t, "(a.attrelid = ANY (ARRAY["+strings.Join(known, ", ")+"]::oid[])) IS NOT TRUE AND pg_relation_size(a.attrelid) > 0",
		" came meanwhile and has rows: SET NOT NULL would read it under ACCESS EXCLUSIVE")
}

// above are the words for the indexes of partitioned tables that are made, the upper ones first.
func (m *manuscript) above(t step.Target, root *catalog.Table) (said []words) {
	for _, one := range t.Partitioned(root) {
		if one.Table.Index(one.Index) == nil {
			said = append(said, words{
				name: one.Table.Name + "_index", lock: instant + ", on the partitioned table alone", scans: nothing,
				what:   one.String() + ": make index " + one.Index + ", empty and not valid until each partition has one that is attached to it",
				needed: not(hasIndex(one.Target, "")),
			})
		}
	}
	return said
}

// joints are the words for the indexes below that are attached, from below.
func (m *manuscript) joints(t step.Target, root *catalog.Table) (said []words) {
	for _, joint := range t.UnattachedIndexes(root) {
		said = append(said, words{
			name: joint.Below.Table + "_attach_index", lock: instant, scans: nothing,
			what:   joint.Below.String() + ": attach index " + joint.Below.Index + " to " + joint.Above.Index + " of " + joint.Above.String(),
			needed: hasIndex(joint.Below, loose),
		})
	}
	return said
}

// ours holds for an index i that is unique and on exactly the columns of the target's: another one may have its name.
func ours(t step.Target) string {
	names := make([]string, len(t.IndexColumns()))
	for n, column := range t.IndexColumns() {
		names[n] = sqltext.Literal(column)
	}
	return "i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND ARRAY(SELECT k.attname::text FROM unnest(i.indkey) WITH ORDINALITY u (n, place)" +
		" JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = u.n ORDER BY u.place) = ARRAY[" + strings.Join(names, ", ") + "]"
}

// loose holds for an index i that is attached to no other.
const loose = "NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)"

// dropStale are the words for an index of a partitioned table whose last partition without one was detached: only an ATTACH
// makes PostgreSQL look whether it has become valid.
func dropStale(t step.Target) words {
	return words{
		name: t.Table + "_drop_stale_index", lock: wide(t), scans: nothing,
		what: "drop index " + t.Index + ", which has all its parts and will not become valid any more, and build it again",
		needed: hasIndex(t, "NOT i.indisvalid AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = i.indrelid AND NOT EXISTS ("+
			"SELECT FROM pg_inherits k JOIN pg_index o ON o.indexrelid = k.inhrelid WHERE k.inhparent = i.indexrelid AND o.indrelid = h.inhrelid))"),
	}
}

// requireAbove makes the column of a partitioned table NOT NULL when that of each of its partitions is.
func (m *manuscript) requireAbove(s step.RequireValue, v step.View) ([]piece, error) {
	t := s.Target
	actions := s.Apply(v)
	all, err := pieces(s, actions[len(actions)-1:], words{
		name: t.Table + "_set_not_null", lock: wide(t), scans: nothing + ": the partitions are NOT NULL",
		what: "make " + t.Column + " of " + t.String() + " NOT NULL", needed: hasColumn(t, nullable(m.plan.Server.Major())),
	})
	if err == nil {
		guard(all, m.unproved(t))
	}
	return all, err
}
