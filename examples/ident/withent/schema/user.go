// Package schema is an ent schema whose users have both keys; ident.UUID is a field's type as it is.
//
// The code that ent makes of it is not kept here:
//
//	go run entgo.io/ent/cmd/ent generate --target /tmp/ent ./withent/schema
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"github.com/rekey-pg/rekey/ident"
)

// User is the schema of the table users.
type User struct{ ent.Schema }

// Fields has a Default for the INSERTs that ent sends, and the annotation for the column's own default,
// which serves those of everybody else and which ent's migrations then leave as it is.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.UUID("uuid", ident.UUID{}).
			Default(ident.NewV7).
			Immutable().
			Unique().
			SchemaType(map[string]string{dialect.Postgres: "uuid"}).
			Annotations(entsql.DefaultExpr("public.uuid_generate_v7()")),
		field.String("email"),
	}
}
