package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// UniqueTwin is a unique index on the uuids that takes the place of one on integers when these end.
type UniqueTwin struct {
	// IndexTwin has a temporary name until the drop.
	IndexTwin
	// As is its name from the drop on: that of the plain twin that link built, or a free one.
	As string
}

const endingIndex = temporaryIndex + "unique_"

// UniqueTwins returns the twins of the unique indexes that hold a column, on the uuid columns of all edges of the child. It leaves
// out those for which the child has such an index already, and those that hold a column of own, whose place the primary key takes.
// others has the columns of the child's other edges.
func UniqueTwins(child *catalog.Table, column, uuid string, others []ColumnPair, own []string) []UniqueTwin {
	var twins []UniqueTwin
	all, _ := Twins(withoutKeyMarks(child), column, uuid, others...)
	kept := map[string]bool{"": false} // by the usual name of the twin
	for _, t := range all {
		table := tableAt(child, t.Table)
		of := table.Index(t.Of)
		holdsOwn := slices.ContainsFunc(own, func(c string) bool { return slices.Contains(of.Columns, c) })
		if !t.OfUnique || !of.Immediate || holdsOwn || kept[t.Above.Name] || t.keptBy(table) {
			kept[t.Name] = true
			continue
		}
		u := UniqueTwin{IndexTwin: t, As: t.lastName(child, table)}
		u.Unique, u.Name = true, IndexName(endingIndex+t.Name, "", "")
		if u.Above.Name != "" {
			u.Above.Name = IndexName(endingIndex+t.Above.Name, "", "")
		}
		twins = append(twins, u)
	}
	return twins
}

// withoutKeyMarks returns a table whose unique indexes of primary keys, and those for composite foreign keys, count as the application's.
func withoutKeyMarks(t *catalog.Table) *catalog.Table {
	clone := *t
	clone.Indexes = slices.Clone(t.Indexes)
	for i := range clone.Indexes {
		if isParentIndex(&clone.Indexes[i]) || isKeyIndex(&clone.Indexes[i]) && !clone.Indexes[i].Primary {
			clone.Indexes[i].Comment = nil
		}
	}
	return &clone
}

// lastName returns the name that a unique twin gets: that of the plain one that link built, else a free one.
func (t IndexTwin) lastName(child, table *catalog.Table) string {
	for i := range table.Indexes {
		if index := &table.Indexes[i]; t.hasShape(index) && slices.Contains(madeTwins(child), index.Name) {
			return index.Name
		}
	}
	name := t.Name
	for table.Index(name) != nil {
		name += "_"
	}
	return name
}

// tableAt returns a table or the one below it that has a name.
func tableAt(t *catalog.Table, name sqltext.Table) *catalog.Table {
	for _, one := range t.All() {
		if one.Named().Same(name) {
			return one
		}
	}
	return nil
}

// IsMadeIndex reports whether up made an index in addition to the application's: a twin, or a unique index for a composite foreign key.
func IsMadeIndex(child *catalog.Table, i *catalog.Index) bool {
	return slices.Contains(madeTwins(child), i.Name) || isParentIndex(i)
}

// ServedBy reports whether a table has a valid index that does what the twin is for; a unique one, if the rows must stay unique.
func (t IndexTwin) ServedBy(table *catalog.Table, unique bool) bool {
	return t.keptBy(table) || !unique && slices.ContainsFunc(table.Indexes, func(i catalog.Index) bool { return i.Valid && t.hasShape(&i) })
}

// keptBy reports whether a table has a valid unique index that keeps the rows as unique as the twin does.
func (t IndexTwin) keptBy(table *catalog.Table) bool {
	return slices.ContainsFunc(table.Indexes, func(i catalog.Index) bool {
		return i.Unique && i.Valid && i.Immediate && !IsTemporaryIndex(i.Name) && (t.hasShape(&i) || t.sameKey(&i))
	})
}

// sameKey reports whether an index without a predicate is on the same columns as the twin, in any order, with any other columns
// included.
func (t IndexTwin) sameKey(i *catalog.Index) bool {
	if t.Predicate != "" || i.Predicate != "" || t.UniqueDefinition != "" || slices.Contains(i.Columns, "") {
		return false
	}
	tokens, at := fromUsing(t.Definition)
	if at < 0 || len(tokens) < at+3 {
		return false
	}
	keys, _ := inParentheses(tokens[at+2:])
	var columns []string
	for _, key := range splitAtCommas(keys) {
		name, ok := key[0].Name()
		if !ok || !isPlain(key, name) {
			return false
		}
		columns = append(columns, name)
	}
	return slices.Equal(slices.Sorted(slices.Values(columns)), slices.Sorted(slices.Values(i.Columns)))
}

// isEndingIndex reports whether an index is one that contract builds before the integers end.
func isEndingIndex(name string) bool { return strings.HasPrefix(name, endingIndex) }

// KeepUnique builds the unique indexes that keep the rows unique when the integer column of an edge ends. It precedes every drop.
// Until then both indexes are unique.
type KeepUnique struct {
	Edge  Edge
	Twins []UniqueTwin
}

// ID implements Step.
func (s KeepUnique) ID() ID { return s.Edge.id("keep-unique") }

// Explain implements Step.
func (s KeepUnique) Explain() Explanation {
	return Explanation{
		What:     "build a unique index on the uuids for each unique index that is dropped with " + s.Edge.Column,
		Undo:     "drop it concurrently, with the primary key's way back",
		Why:      "the rows stay unique without the integers; until the drop both are unique, and INSERT .. ON CONFLICT can fail with unique_violation under concurrency",
		Lock:     lockWords(s.Edge.on(lock.ShareUpdateExclusive), blocksNobody),
		Scans:    "the table, twice for each index",
		UndoneBy: Absorbed,
	}
}

// Check implements Step.
func (s KeepUnique) Check(v View) Outcome {
	for _, t := range s.Twins {
		table := s.Edge.tableOf(v, t.IndexTwin)
		if table == nil {
			continue // a partition that was dropped or detached
		}
		if i := t.index(table); i == nil || !i.Valid || i.Name == t.Name && t.unattached(v, s.Edge, i) {
			return pending("no unique index in place of " + t.Of)
		}
	}
	return done()
}

// index returns the unique index of a table, under its temporary name or the last one.
func (t UniqueTwin) index(table *catalog.Table) *catalog.Index {
	for _, name := range []string{t.Name, t.As} {
		if i := table.Index(name); i != nil && t.fits(i) {
			return i
		}
	}
	return nil
}

// Apply implements Step. An index of a partitioned table becomes valid when the indexes of all partitions are attached.
func (s KeepUnique) Apply(v View) []Action {
	var actions, attach []Action
	for _, t := range s.Twins {
		table := s.Edge.tableOf(v, t.IndexTwin)
		if table == nil {
			continue
		}
		i := t.index(table)
		switch {
		case i == nil && table.Index(t.Name) != nil:
			actions = append(actions, dropOn(table, t.Name), t.build())
		case i == nil:
			actions = append(actions, t.build())
		case !i.Valid && !t.Partitioned:
			actions = append(actions, t.drop(), t.build())
		}
		if (i == nil || i.Name == t.Name) && t.unattached(v, s.Edge, i) {
			attach = append(attach, t.attach())
		}
	}
	slices.Reverse(attach)
	return append(actions, attach...)
}

// Undo implements Step. The way back of the primary key drops the indexes.
func (KeepUnique) Undo(View) []Action { return nil }

// Rows implements Step.
func (KeepUnique) Rows() RowReader { return nil }

// takePlace returns the statements that give the unique index its last name, in place of the plain twin.
func (t UniqueTwin) takePlace(table *catalog.Table) []string {
	if i := table.Index(t.Name); i == nil {
		return nil
	}
	var statements []string
	if plain := table.Index(t.As); plain != nil && t.Above.Name == "" {
		statements = append(statements, dropIndexSQL(table, plain))
	}
	return append(statements, renameIndexSQL(table, t.Name, t.As))
}

// validNow is true if the unique index exists, valid.
func (t UniqueTwin) validNow() string {
	return sqltext.Format("EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class n ON n.oid = i.indexrelid WHERE i.indrelid = {}::pg_catalog.regclass"+
		" AND n.relname IN ({}, {}) AND i.indisunique AND i.indisvalid)", sqltext.Value(sqltext.Qualified(t.Table.Schema, t.Table.Name)), sqltext.Value(t.Name), sqltext.Value(t.As))
}

// AfterApply implements Step. Scripts do not contract.
func (KeepUnique) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (KeepUnique) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (KeepUnique) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (KeepUnique) UndoScript(View) []Statement { return nil }
