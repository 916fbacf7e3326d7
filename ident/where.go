package ident

import (
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Place is how a condition writes the place of its argument: Place(3) is $3, and Question is a
// question mark.
type Place int

// Question writes ?, as GORM and bun want it.
const Question Place = 0

// Where is the condition of a lookup by the integer column or the uuid column, whichever the ID is,
// and its argument, for a query that has no other argument:
//
//	condition, argument := id.Where("id", "uuid") // "id" = CAST($1 AS bigint), 42
//	row := db.QueryRowContext(ctx, "SELECT email FROM users WHERE "+condition, argument)
//
// Names are quoted and so taken letter by letter: a column made without quotes has a name in lower
// case. A dot divides a table or its alias from a column: "u.id". Whatever the names are, the
// condition is one comparison with a column of that name and nothing else.
//
// The argument is an int64, or a UUID's text. The cast makes an integer too great for the column a
// row that is not there rather than an error; the columns' indexes serve it. The zero ID finds
// nothing.
func (id ID) Where(idColumn, uuidColumn string) (condition string, argument any) {
	return id.WhereAt(1, idColumn, uuidColumn)
}

// WhereAt is Where for a query that has other arguments before this one, or that marks them with
// question marks:
//
//	condition, argument := id.WhereAt(2, "u.id", "u.uuid") // "u"."id" = CAST($2 AS bigint), 42
//	db.Where(id.WhereAt(ident.Question, "id", "uuid")).First(&user)
func (id ID) WhereAt(place Place, idColumn, uuidColumn string) (condition string, argument any) {
	column, kind := idColumn, "bigint"
	if id.kind == KindUUID {
		column, kind = uuidColumn, "uuid"
	}
	return place.quote(column) + " = CAST(" + place.String() + " AS " + kind + ")", id.value()
}

// String is $1, $2 …, or ? for Question and for what is no number of an argument.
func (p Place) String() string {
	if p <= Question {
		return "?"
	}
	return "$" + strconv.Itoa(int(p))
}

// quote quotes a column's name part by part. What cannot be said inside quotes becomes U+FFFD, so that
// the server finds no such column: a NUL ends the statement on the wire, and who looks for question
// marks in a statement finds them in quotes too.
func (p Place) quote(column string) string {
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
