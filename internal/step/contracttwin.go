package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// duplicateTwin is a plain index that link built and that does nothing which a unique index does not do.
type duplicateTwin struct {
	plain, unique *catalog.Index
}

// DuplicateTwins returns the plain indexes that link built for a table and that have the columns of a valid unique index, mostly the index of
// the new primary key. Contract drops them with the integers.
func DuplicateTwins(child *catalog.Table) (names []string) {
	for _, d := range duplicateTwins(child, "") {
		names = append(names, d.plain.Name)
	}
	return names
}

// duplicateTwins leaves out the indexes that are dropped with a column. An index that the application has commented on or clusters by
// is its own by now.
func duplicateTwins(child *catalog.Table, column string) (found []duplicateTwin) {
	made := madeTwins(child)
	for i := range child.Indexes {
		plain := &child.Indexes[i]
		if plain.Unique || plain.Predicate != "" || plain.Clustered || plain.Comment != nil || plain.Parent != 0 || plain.Holds(column) || !slices.Contains(made, plain.Name) {
			continue
		}
		for j := range child.Indexes {
			unique := &child.Indexes[j]
			if unique.Unique && unique.Valid && unique.Immediate && !unique.Holds(column) && !IsTemporaryIndex(unique.Name) && sameIndex(plain, unique) {
				found = append(found, duplicateTwin{plain, unique})
				break
			}
		}
	}
	return found
}

// sameIndex reports whether a unique index has the method, the columns, their order and the included columns of a plain one.
func sameIndex(plain, unique *catalog.Index) bool {
	a, known := parseIndex(plain)
	b, alsoKnown := parseIndex(unique)
	return known && alsoKnown && unique.Predicate == "" && !slices.Contains(plain.Columns, "") && a.method == b.method && sameKeys(a.keys, b.keys) &&
		!slices.ContainsFunc(plain.Included, func(c string) bool { return !slices.Contains(unique.Included, c) })
}

func sameKeys(a, b [][]sqltext.Token) bool {
	return slices.EqualFunc(a, b, func(a, b []sqltext.Token) bool { return sqltext.SameTokens(sqltext.Join(a), sqltext.Join(b)) })
}

// drop returns the statement that drops the plain index, in the transaction that has the table locked already.
func (d duplicateTwin) drop(child *catalog.Table) string { return dropIndexSQL(child, d.plain) }

// stillDuplicate is true while the unique index is valid and has its definition.
func (d duplicateTwin) stillDuplicate(child *catalog.Table) string {
	return sqltext.Format("EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class n ON n.oid = i.indexrelid WHERE i.indrelid = {}::pg_catalog.regclass AND n.relname = {}"+
		" AND i.indisunique AND i.indisvalid AND pg_catalog.pg_get_indexdef(i.indexrelid) = {})",
		sqltext.Value(sqltext.Qualified(child.Schema, child.Name)), sqltext.Value(d.unique.Name), sqltext.Value(d.unique.Definition))
}
