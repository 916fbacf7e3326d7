// Package withent finds rows of ent by either identifier. The schema is in the folder schema.
package withent

import (
	"strings"

	"entgo.io/ent/dialect/sql"
	"github.com/rekey-pg/rekey/ident"
)

// Either is a predicate: client.User.Query().Where(withent.Either[predicate.User](id)). The names
// stand for user.FieldID and user.FieldUUID of the code that ent makes.
func Either[Predicate ~func(*sql.Selector)](id ident.ID) Predicate {
	return func(s *sql.Selector) {
		table := s.TableName()
		condition, argument := id.WhereAt(ident.Question, table+".id", table+".uuid")
		// ent numbers the arguments itself. The condition has one question mark, whatever the names are.
		before, after, _ := strings.Cut(condition, "?")
		s.Where(sql.P(func(b *sql.Builder) { b.WriteString(before).Arg(argument).WriteString(after) }))
	}
}
