package withbun

import (
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/rekey-pg/rekey/ident"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// open returns a bun.DB that connects only to send a statement; these tests send none.
func open() *bun.DB {
	pool := stdlib.OpenDB(pgx.ConnConfig{})
	return bun.NewDB(pool, pgdialect.New())
}

func TestInsertSendsTheUUID(t *testing.T) {
	given := ident.NewV7As[uuid.UUID]()
	for _, user := range []User{{Email: "a@example.org"}, {Email: "a@example.org", UUID: given}} {
		before := user.UUID
		query := open().NewInsert().Model(&user)
		if err := user.BeforeAppendModel(t.Context(), query); err != nil {
			t.Fatal(err)
		}
		if user.UUID.IsNil() || (!before.IsNil() && user.UUID != before) || !strings.Contains(query.String(), "'"+user.UUID.String()+"'") {
			t.Errorf("%s does not send %v", query, user.UUID)
		}
	}
}

func TestFindTakesEither(t *testing.T) {
	u := ident.NewV7()
	for want, id := range map[string]ident.ID{
		`"user"."id" = CAST(-42 AS bigint)`:                  ident.FromInt64(-42),
		`"user"."uuid" = CAST('` + u.String() + `' AS uuid)`: ident.FromUUID(u),
	} {
		if got := find(open(), new(User), id).String(); !strings.Contains(got, want) {
			t.Errorf("%s, want %s in it", got, want)
		}
	}
}
