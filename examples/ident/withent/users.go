// Package withent finds rows by either identifier with ent. The schema is in the folder schema.
package withent

import (
	"strings"

	"entgo.io/ent/dialect/sql"
	"github.com/rekey-pg/rekey/ident"
)

// Either is a predicate: client.User.Query().Where(withent.Either[predicate.User](id)). It uses the same names as
// user.FieldID and user.FieldUUID in the code that ent generates.
func Either[Predicate ~func(*sql.Selector)](id ident.ID) Predicate {
	return either[Predicate](id, "id", "uuid")
}

// OfUser is a predicate for the orders of a user, while orders refers to users by both keys:
// client.Order.Query().Where(withent.OfUser[predicate.Order](user)).
func OfUser[Predicate ~func(*sql.Selector)](user ident.ID) Predicate {
	return either[Predicate](user, "user_id", "user_uuid")
}

func either[Predicate ~func(*sql.Selector)](id ident.ID, integer, uuid string) Predicate {
	return func(s *sql.Selector) {
		table := s.TableName()
		condition, argument := id.WhereAt(ident.Question, table+"."+integer, table+"."+uuid)
		// ent numbers the arguments itself. The condition contains exactly one question mark for all names.
		before, after, _ := strings.Cut(condition, "?")
		s.Where(sql.P(func(b *sql.Builder) { b.WriteString(before).Arg(argument).WriteString(after) }))
	}
}
