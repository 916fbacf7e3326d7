// Package schema is an ent schema whose users have both keys. A field can have the type ident.UUID.
//
// This command generates the code, which is not part of the repository:
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

// Fields sets a Default for the INSERTs of ent. The annotation declares the column's own default, which other clients
// use, so that ent's migrations keep it.
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
