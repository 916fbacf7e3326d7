package plan

import (
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// fitsKey reports whether a mark names the columns of the index that has it, and the columns of the table's primary key before or after the
// switch. The comment of an index can be edited.
func fitsKey(m step.KeyMark, index *catalog.Index, t *catalog.Table) bool {
	if index.Primary { // contract has dropped an integer column of the key, and the mark moved
		return slices.Equal(index.Columns, m.UUIDs)
	}
	pk := primaryIndex(t)
	return slices.Equal(index.Columns, m.Columns) && (pk == nil || slices.Equal(pk.Columns, m.Columns) || slices.Equal(pk.Columns, m.UUIDs))
}

// unmarked returns how to restore the mark of a primary key that holds a column which up made; "" if it has none of these. Without its
// mark the key cannot go back, and down must not leave it out in silence. The soak time begins again, at now.
func unmarked(target step.Target, t *catalog.Table, now time.Time) (hint string) {
	pk := primaryIndex(t)
	if pk == nil {
		return ""
	}
	origin, _ := target.Read(t)
	made := origin == step.Made && slices.Contains(pk.Columns, target.Column)
	for _, name := range pk.Columns {
		if c := t.Column(name); c != nil && !made {
			mark, ok := step.ReadEdgeMark(c)
			made = ok && mark.Child.Same(t.Named())
		}
	}
	if !made {
		return ""
	}
	for i := range t.Indexes {
		index := &t.Indexes[i]
		m, ok := step.ReadKeyMark(index)
		if !ok {
			m = step.KeyMark{Primary: pk.Constraint, Columns: index.Columns, UUIDs: pk.Columns, Switched: now}
			if index.ReplicaIdentity {
				m.Identity = step.IdentityDefault
			}
		}
		if m.Table = t.Named(); index.Unique && !index.Primary && index.Predicate == "" && t.Integer(index.Columns) && fitsKey(m, index, t) {
			return restoreMark(t, index, m)
		}
	}
	return "Restore the index and its comment from a backup of the schema"
}

// renamedKeys refuses a run on a schema with a switched table that was renamed: its marks name another table, which does not exist, so
// that the run would leave it out.
func renamedKeys(s Input) (found problem.List) {
	for i := range s.Schema.Relations {
		t := &s.Schema.Relations[i]
		for j := range t.Indexes {
			index := &t.Indexes[j]
			m, ok := step.ReadKeyMark(index)
			if !ok || m.Newer > 0 || m.Unreadable || m.Table.Same(t.Named()) || s.Schema.Named(m.Table) != nil || !fitsKey(m, index, t) {
				continue
			}
			was := m.Table.String()
			m.Table = t.Named()
			one := message.KeyMarkUnreadable(t.Named().String()+" primary key", "the comment of index "+index.Name+" names "+was+": the table was renamed after the switch")
			one.Table, one.Hint = t.Named().String(), restoreMark(t, index, m)
			found = append(found, one)
		}
	}
	return found
}

// restoreMark returns the statement that restores a mark, as a hint.
func restoreMark(t *catalog.Table, index *catalog.Index, m step.KeyMark) string {
	return "Restore it: " + sqltext.Format("COMMENT ON INDEX {} IS {};", sqltext.Table{Schema: t.Schema, Name: index.Name}, sqltext.Value(m.Comment()))
}
