package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Different returns a query for the rows of the child, or of one table below it, whose two columns refer to different rows, or
// with a value in the uuid alone. They were written without the triggers. No step changes them: which column is right is not known.
// Its one row has their number, as int8.
func (e Edge) Different(table sqltext.Table) string {
	return sqltext.Format("SELECT pg_catalog.count(*) FROM {} c LEFT JOIN {} p ON ", table, e.Parent) + e.sameKey() +
		sqltext.Format(" WHERE c.{} IS NOT NULL AND (p.{} OPERATOR(pg_catalog.<>) c.{}", sqltext.Name(e.UUID), sqltext.Name(e.ParentUUID), sqltext.Name(e.UUID)) +
		sqltext.Format(" OR c.{} IS NULL", sqltext.Name(e.Column)) + e.given() + ")"
}

// Equalize returns the statements that make the columns of all rows equal, for a user who knows which column is right: the
// integer, or the uuid.
func (e Edge) Equalize() (byKey, byUUID []string) {
	child, parent, key, uuid := e.Child, e.Parent, sqltext.Name(e.Column), sqltext.Name(e.UUID)
	byKey = []string{
		sqltext.Format("UPDATE {} c SET {} = p.{} FROM {} p WHERE ", child, uuid, sqltext.Name(e.ParentUUID), parent) + e.sameKey() +
			sqltext.Format(" AND c.{} IS DISTINCT FROM p.{}", uuid, sqltext.Name(e.ParentUUID)),
		sqltext.Format("UPDATE {} c SET {} = NULL WHERE c.{} IS NULL AND c.{} IS NOT NULL", child, uuid, key, uuid) + e.given(),
	}
	byUUID = []string{
		sqltext.Format("UPDATE {} c SET {} = p.{} FROM {} p WHERE p.{} OPERATOR(pg_catalog.=) c.{}", child, key, sqltext.Name(e.Key), parent, sqltext.Name(e.ParentUUID), uuid) + e.sameParts() +
			sqltext.Format(" AND c.{} IS DISTINCT FROM p.{}", key, sqltext.Name(e.Key)),
	}
	return byKey, byUUID
}

// sameKey returns the condition that a row of the parent has the integer key of a row of the child.
func (e Edge) sameKey() string {
	return sqltext.Format("p.{} OPERATOR(pg_catalog.=) c.{}", sqltext.Name(e.Key), sqltext.Name(e.Column)) + e.sameParts()
}

func (e Edge) sameParts() string {
	var sql strings.Builder
	for _, part := range e.Parts() {
		sql.WriteString(sqltext.Format(" AND p.{} OPERATOR(pg_catalog.=) c.{}", sqltext.Name(part.Parent), sqltext.Name(part.Child)))
	}
	return sql.String()
}

// given returns the conditions that the other columns of a composite key have values: without them a row refers to nothing.
func (e Edge) given() string {
	var sql strings.Builder
	for _, part := range e.Parts() {
		sql.WriteString(sqltext.Format(" AND c.{} IS NOT NULL", sqltext.Name(part.Child)))
	}
	return sql.String()
}
