package withent

import (
	"slices"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/rekey-pg/rekey/examples/ident/withent/schema"
	"github.com/rekey-pg/rekey/ident"
)

func TestSchemaIsTakenByEnt(t *testing.T) {
	for _, field := range append((schema.User{}).Fields(), (schema.Order{}).Fields()...) {
		if d := field.Descriptor(); d.Err != nil {
			t.Errorf("%s: %v", d.Name, d.Err)
		}
	}
}

func TestEither(t *testing.T) {
	u := ident.NewV7()
	for _, c := range []struct {
		id        ident.ID
		want      string
		arguments []any
	}{
		{ident.FromInt64(42), `"users"."id" = CAST($2 AS bigint)`, []any{"a", int64(42)}},
		{ident.FromUUID(u), `"users"."uuid" = CAST($2 AS uuid)`, []any{"a", u.String()}},
		{ident.ID{}, `"users"."id" = CAST(NULL AS bigint)`, []any{"a"}},
	} {
		s := sql.Dialect(dialect.Postgres).Select().From(sql.Table("users")).Where(sql.EQ("email", "a"))
		Either[func(*sql.Selector)](c.id)(s)
		got, arguments := s.Query()
		want := `SELECT * FROM "users" WHERE "email" = $1 AND ` + c.want
		if got != want || !slices.Equal(arguments, c.arguments) {
			t.Errorf("%s with %v, want %s with %v", got, arguments, want, c.arguments)
		}
	}
}

func TestOfUser(t *testing.T) {
	u := ident.NewV7()
	s := sql.Dialect(dialect.Postgres).Select().From(sql.Table("orders"))
	OfUser[func(*sql.Selector)](ident.FromUUID(u))(s)
	got, arguments := s.Query()
	want := `SELECT * FROM "orders" WHERE "orders"."user_uuid" = CAST($1 AS uuid)`
	if got != want || !slices.Equal(arguments, []any{u.String()}) {
		t.Errorf("%s with %v, want %s", got, arguments, want)
	}
}
