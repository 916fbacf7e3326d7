package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema/field"
	"github.com/rekey-pg/rekey/ident"
)

// Order is the schema of the table orders, which refers to users by both keys in rekey's phase linked.
type Order struct{ ent.Schema }

// Fields makes both keys optional, so that ent sends only the one that is set: SetUserID or SetUserUUID. rekey's trigger fills
// the other column. Optional concerns ent alone; the columns keep their NOT NULL.
func (Order) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("user_id").Optional().Nillable(),
		field.UUID("user_uuid", ident.UUID{}).
			Optional().
			Nillable().
			SchemaType(map[string]string{dialect.Postgres: "uuid"}),
		field.Int64("total"),
	}
}
