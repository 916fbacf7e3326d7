package ident

import (
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Placeholder is the placeholder of an argument in a condition: Placeholder(3) is $3, and Question is a question mark.
type Placeholder int

// Question is ?, the placeholder of GORM and bun.
const Question Placeholder = 0

// Where returns the condition that finds the ID's row by the integer column or the uuid column, depending on the ID's
// kind, and its argument, for a query without other arguments:
//
//	condition, argument := id.Where("id", "uuid") // "id" = CAST($1 AS bigint), 42
//	row := db.QueryRowContext(ctx, "SELECT email FROM users WHERE "+condition, argument)
//
// Names are quoted and therefore case-sensitive: a column created without quotes has a lower-case name. A dot separates
// a table or its alias from a column: "u.id". For every name, the condition is one comparison with a column of that name
// and nothing else.
//
// The argument is an int64, or a UUID's text. Because of the cast, an integer too large for the column finds no row and
// is not an error. The columns' indexes can be used. The zero ID finds nothing.
func (id ID) Where(idColumn, uuidColumn string) (condition string, argument any) {
	return id.WhereAt(1, idColumn, uuidColumn)
}

// WhereAt is Where for a query that has other arguments before this one, or whose placeholders are question marks:
//
//	condition, argument := id.WhereAt(2, "u.id", "u.uuid") // "u"."id" = CAST($2 AS bigint), 42
//	db.Where(id.WhereAt(ident.Question, "id", "uuid")).First(&user)
func (id ID) WhereAt(placeholder Placeholder, idColumn, uuidColumn string) (condition string, argument any) {
	column, kind := idColumn, "bigint"
	if id.kind == KindUUID {
		column, kind = uuidColumn, "uuid"
	}
	return placeholder.quote(column) + " = CAST(" + placeholder.String() + " AS " + kind + ")", id.value()
}

// String returns $1, $2 …, or ? for Question and for numbers below 1.
func (p Placeholder) String() string {
	if p <= Question {
		return "?"
	}
	return "$" + strconv.Itoa(int(p))
}

// quote quotes a column's name part by part. It replaces a NUL, which ends a statement, and a question mark, which
// some libraries replace even inside quotes, by U+FFFD, so that the server finds no such column.
func (p Placeholder) quote(column string) string {
	column = strings.ReplaceAll(column, "\x00", "\uFFFD")
	if p <= Question {
		column = strings.ReplaceAll(column, "?", "\uFFFD")
	}
	table, name, found := strings.Cut(column, ".")
	if !found {
		return sqltext.Ident(column)
	}
	return sqltext.Ident(table) + "." + p.quote(name)
}
