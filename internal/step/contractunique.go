package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// UniqueTwin is an index on the uuids that takes the place of one on integers when these end. It is unique, if that one is.
type UniqueTwin struct {
	// IndexTwin has a temporary name until the drop.
	IndexTwin
	// As is its name from the drop on: the twin that link built has it, or it is free.
	As string
}

const endingIndex = temporaryIndex + "unique_"

// UniqueTwins returns what takes the place of the indexes that hold a column, on the uuid columns of the column and of pairs, which are the
// other integer columns of the table that end. It leaves out the indexes that have such a counterpart already, and those whose twin would
// still need an integer: they end with it.
func UniqueTwins(child *catalog.Table, column ColumnPair, pairs []ColumnPair) []UniqueTwin {
	var twins []UniqueTwin
	kept := map[string]bool{"": false} // by the usual name of the twin
	for _, t := range endingTwins(child, column, pairs) {
		table := tableAt(child, t.Table)
		t.Unique = t.OfUnique
		same := func(u UniqueTwin) bool {
			return u.Table.Same(t.Table) && u.shape(true) == t.shape(true) && u.Predicate == t.Predicate
		}
		if kept[t.Above.Name] || t.ServedBy(staying(table, append(pairs, column)), t.Unique) || slices.ContainsFunc(twins, same) {
			kept[t.Name] = true
			continue
		}
		u := UniqueTwin{IndexTwin: t, As: t.lastName(child, table, append(pairs, column))}
		u.Name = IndexName(endingIndex+t.Name, "", "")
		if u.Above.Name != "" {
			u.Above.Name = IndexName(endingIndex+t.Above.Name, "", "")
		}
		twins = append(twins, u)
	}
	return twins
}

// Counterpart reports whether a table, which is the child or below it, has an index that does what one does that ends, without an integer
// that ends; a unique one, if the rows must stay unique.
func Counterpart(child, table *catalog.Table, index string, column ColumnPair, pairs []ColumnPair, unique bool) bool {
	return slices.ContainsFunc(endingTwins(child, column, pairs), func(t IndexTwin) bool {
		return t.Of == index && t.Table.Same(table.Named()) && t.ServedBy(staying(table, append(pairs, column)), unique)
	})
}

// staying returns a table without the indexes that hold an integer that ends.
func staying(t *catalog.Table, ending []ColumnPair) *catalog.Table {
	clone := *t
	clone.Indexes = slices.DeleteFunc(slices.Clone(t.Indexes), func(i catalog.Index) bool {
		return slices.ContainsFunc(ending, func(p ColumnPair) bool { return holds(&i, p.Integer) })
	})
	return &clone
}

// endingTwins returns the twins of the indexes that hold a column, unique ones first. It leaves out a twin that holds an integer that
// ends, and the twin of a unique index that can be deferred: an immediate one would fail where that one does not.
func endingTwins(child *catalog.Table, column ColumnPair, pairs []ColumnPair) []IndexTwin {
	all, _ := Twins(withoutKeyMarks(child), column.Integer, column.UUID, pairs...)
	var unique, plain []IndexTwin
	for _, t := range all {
		switch {
		case slices.ContainsFunc(append(pairs, column), func(p ColumnPair) bool { return t.names(p.Integer) }):
		case t.OfUnique && !tableAt(child, t.Table).Index(t.Of).Immediate && tableAt(child, t.Table).Index(t.Of).Unique:
		case t.OfUnique:
			unique = append(unique, t)
		default:
			plain = append(plain, t)
		}
	}
	return append(unique, plain...)
}

// names reports whether the definition of a twin has a column.
func (t IndexTwin) names(column string) bool {
	tokens, _ := sqltext.Tokens(t.Definition + " " + t.Predicate)
	return slices.ContainsFunc(tokens, func(one sqltext.Token) bool { return isName(one, column) })
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

// lastName returns the name that a twin gets: the twin that link built has it, if it is plain or needs an integer that ends, else a free
// one.
func (t IndexTwin) lastName(child, table *catalog.Table, ending []ColumnPair) string {
	for i := range table.Indexes {
		index := &table.Indexes[i]
		ends := index.Name == t.Name && slices.ContainsFunc(ending, func(p ColumnPair) bool { return holds(index, p.Integer) })
		if (t.hasShape(index) || ends) && slices.Contains(madeTwins(child), index.Name) {
			return index.Name
		}
	}
	return freeName(table, t.Name)
}

// freeName returns a name, with underscores after it if an index of the table has it.
func freeName(table *catalog.Table, name string) string {
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

// KeepUnique builds the indexes that take the place of those that end with an integer column: rows stay as unique as they were, and
// queries find them. It precedes every drop. Until then both indexes exist.
type KeepUnique struct {
	// Table is the table, Of the edge or the primary key whose column ends, and Column that column.
	Table  sqltext.Table
	Of     string
	Column string
	Twins  []UniqueTwin
}

// ID implements Step.
func (s KeepUnique) ID() ID { return ID(s.Of + "/keep-unique") }

// Explain implements Step.
func (s KeepUnique) Explain() Explanation {
	return Explanation{
		What:     "build an index on the uuids for each index that is dropped with " + s.Column + " and has none, unique if it is unique",
		Undo:     "drop it concurrently, with the primary key's way back",
		Why:      "the rows stay unique without the integers; until the drop both are unique, and INSERT .. ON CONFLICT can fail with unique_violation under concurrency",
		Lock:     lockWords([]lock.Lock{lock.On(s.Table, lock.ShareUpdateExclusive)}, blocksNobody),
		Scans:    "the table, twice for each index",
		UndoneBy: Absorbed,
	}
}

// table returns the table of a twin; nil if it does not exist.
func (s KeepUnique) table(v View, t UniqueTwin) *catalog.Table {
	if root := v.Relation(s.Table); root != nil {
		return tableAt(root, t.Table)
	}
	return nil
}

// Check implements Step.
func (s KeepUnique) Check(v View) Outcome {
	for _, t := range s.Twins {
		table := s.table(v, t)
		if table == nil {
			continue // a partition that was dropped or detached
		}
		if i := t.index(table); i == nil || !i.Valid || i.Name == t.Name && t.unattached(v.Relation(s.Table), i) {
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
		table := s.table(v, t)
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
		if (i == nil || i.Name == t.Name) && t.unattached(v.Relation(s.Table), i) {
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

// takePlace returns the statements that give the index its last name, in place of the twin that link built. An index of the application
// that has got the name keeps it.
func (t UniqueTwin) takePlace(root *catalog.Table) []string {
	table := tableAt(root, t.Table)
	if table == nil || table.Index(t.Name) == nil {
		return nil
	}
	before := table.Index(t.As)
	switch {
	case before == nil:
	case !slices.Contains(madeTwins(root), before.Name):
		return []string{renameIndexSQL(table, t.Name, freeName(table, t.As))}
	case t.Above.Name == "":
		return []string{dropIndexSQL(table, before), renameIndexSQL(table, t.Name, t.As)}
	}
	return []string{renameIndexSQL(table, t.Name, t.As)}
}

// validNow is true if the index exists, valid.
func (t UniqueTwin) validNow() string {
	unique := ""
	if t.Unique {
		unique = " AND i.indisunique"
	}
	return sqltext.Format("EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class n ON n.oid = i.indexrelid WHERE i.indrelid = {}::pg_catalog.regclass"+
		" AND n.relname IN ({}, {}) AND i.indisvalid", sqltext.Value(sqltext.Qualified(t.Table.Schema, t.Table.Name)), sqltext.Value(t.Name), sqltext.Value(t.As)) + unique + ")"
}

// AfterApply implements Step. Scripts do not contract.
func (KeepUnique) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (KeepUnique) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (KeepUnique) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (KeepUnique) UndoScript(View) []Statement { return nil }
