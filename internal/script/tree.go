package script

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// The tables below a table may change between two statements of a script, or between generating and running it. The
// change that such a table would harm checks for it, under its lock. The check at the start of the script and the one
// at its end check for new tables as well.

// tree writes the start of a query for a table and all tables below it, by oid.
func tree(t step.Target) string {
	return "WITH RECURSIVE tree (relation) AS (SELECT " + regclass(t.Relation()) + "::oid" +
		" UNION SELECT h.inhrelid FROM pg_inherits h JOIN tree ON h.inhparent = tree.relation)\n    "
}

// treeLock is the lock of a change of a table and all tables below it.
func treeLock(t step.Target) string {
	if t.IsTree() {
		return briefLock + ", on the table and all tables below it"
	}
	return briefLock
}

// prepend runs a statement before the others of each change, in its transaction.
func prepend(all []statement, statement string) {
	for i := range all {
		if alter, ok := all[i].content.(change); ok {
			alter.statements = append([]string{statement}, alter.statements...)
			all[i].content = alter
		}
	}
}

// refuse writes a statement that fails if a condition is true for the column a of a table below the target.
func (m *script) refuse(t step.Target, where, message string) string {
	return "DO " + sqltext.Dollar("\n"+template("refuse", "tree", tree(t), "column", sqltext.Literal(t.Column), "top", regclass(t.Relation()),
		"where", where, "message", sqltext.Literal(message), "again", m.regenerateHint())+"\n")
}

// refuseSameName refuses to add the column if a table below has a column of that name: PostgreSQL would merge the two.
func (m *script) refuseSameName(t step.Target) string {
	return m.refuse(t, "true", " now has a column of that name, with which the column of its parent would be merged")
}

// refuseRows refuses to continue if SET NOT NULL would have to scan a table below.
func (m *script) refuseRows(t step.Target) string {
	return m.refuse(t, nullable(m.plan.Server.Major())+" AND pg_relation_size(a.attrelid) > 0",
		" was added during the run and has rows: SET NOT NULL would scan it under ACCESS EXCLUSIVE")
}

// refuseNewRows refuses to continue if SET NOT NULL would have to scan a table that was added since.
func (m *script) refuseNewRows(t step.Target, root *catalog.Table) string {
	known := make([]string, 0, len(root.Below))
	for _, one := range root.Below {
		known = append(known, regclass(sqltext.Qualified(one.Schema, one.Name)))
	}
	// IS NOT TRUE, since a table that was dropped since is a NULL among the known ones.
	return m.refuse(t, "(a.attrelid = ANY (ARRAY["+strings.Join(known, ", ")+"]::oid[])) IS NOT TRUE AND pg_relation_size(a.attrelid) > 0",
		" was added during the run and has rows: SET NOT NULL would scan it under ACCESS EXCLUSIVE")
}

// parentIndexes describes the missing indexes of partitioned tables, parents first.
func (m *script) parentIndexes(t step.Target, root *catalog.Table) (descriptions []description) {
	for _, one := range t.Partitioned(root) {
		if one.Table.Index(one.Index) == nil {
			descriptions = append(descriptions, description{
				name: one.Table.Name + "_index", lock: briefLock + ", on the partitioned table only", scans: readsNothing,
				what:   one.String() + ": create index " + one.Index + ", which becomes valid once an index of each partition is attached to it",
				needed: not(hasIndex(one.Target, "")),
			})
		}
	}
	return descriptions
}

// attachments describes the indexes that are attached to their parent's, from the lowest level up.
func (m *script) attachments(t step.Target, root *catalog.Table) (descriptions []description) {
	for _, joint := range t.UnattachedIndexes(root) {
		descriptions = append(descriptions, description{
			name: joint.Below.Table + "_attach_index", lock: briefLock, scans: readsNothing,
			what:   joint.Below.String() + ": attach index " + joint.Below.Index + " to " + joint.Above.Index + " of " + joint.Above.String(),
			needed: hasIndex(joint.Below, unattached),
		})
	}
	return descriptions
}

// matchesIndex is true for an index i that is unique and on exactly the target's columns. Another index may have the
// same name.
func matchesIndex(t step.Target) string {
	names := make([]string, len(t.IndexColumns()))
	for n, column := range t.IndexColumns() {
		names[n] = sqltext.Literal(column)
	}
	return "i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND ARRAY(SELECT k.attname::text FROM unnest(i.indkey) WITH ORDINALITY u (n, place)" +
		" JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = u.n ORDER BY u.place) = ARRAY[" + strings.Join(names, ", ") + "]"
}

// unattached is true for an index i that is attached to no other.
const unattached = "NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)"

// dropStale describes the removal of a partitioned table's index that stays invalid after the last partition without
// one was detached: PostgreSQL marks it valid only on ATTACH.
func dropStale(t step.Target) description {
	return description{
		name: t.Table + "_drop_stale_index", lock: treeLock(t), scans: readsNothing,
		what: "drop index " + t.Index + ", which has all its parts but stays invalid, to build it again",
		needed: hasIndex(t, "NOT i.indisvalid AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = i.indrelid AND NOT EXISTS ("+
			"SELECT FROM pg_inherits k JOIN pg_index o ON o.indexrelid = k.inhrelid WHERE k.inhparent = i.indexrelid AND o.indrelid = h.inhrelid))"),
	}
}

// requireAbove makes the column of a partitioned table NOT NULL once the column of each partition is.
func (m *script) requireAbove(s step.RequireValue, v step.View) ([]statement, error) {
	t := s.Target
	actions := s.Apply(v)
	all, err := describe(s, actions[len(actions)-1:], description{
		name: t.Table + "_set_not_null", lock: treeLock(t), scans: readsNothing + "; the partitions are NOT NULL",
		what: "make " + t.Column + " of " + t.String() + " NOT NULL", needed: hasColumn(t, nullable(m.plan.Server.Major())),
	})
	if err == nil {
		prepend(all, m.refuseRows(t))
	}
	return all, err
}
