package withgorm

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/rekey-pg/rekey/ident"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// dry returns a GORM that generates statements and sends none.
func dry(t *testing.T) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: (*gorm.PreparedStmtDB)(nil)}),
		&gorm.Config{DryRun: true, DisableAutomaticPing: true, SkipDefaultTransaction: true})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestCreateSendsTheUUID(t *testing.T) {
	given := ident.NewV7As[uuid.UUID]()
	for _, user := range []User{{Email: "a@example.org"}, {Email: "a@example.org", UUID: given}} {
		statement := dry(t).Create(&user).Statement
		if user.UUID == uuid.Nil || !strings.Contains(statement.SQL.String(), `"uuid"`) || !contains(statement.Vars, user.UUID) {
			t.Errorf("%s with %v does not send %v", statement.SQL.String(), statement.Vars, user.UUID)
		}
	}
}

func contains(vars []any, want uuid.UUID) bool {
	for _, v := range vars {
		if v == any(want) {
			return true
		}
	}
	return false
}

func TestFindTakesEither(t *testing.T) {
	u := ident.NewV7()
	for _, id := range []ident.ID{ident.FromInt64(42), ident.FromUUID(u)} {
		condition, argument := id.WhereAt(ident.Question, "id", "uuid")
		statement := dry(t).Where(condition, argument).Find(new(User)).Statement
		want, _ := id.Where("id", "uuid")
		if !strings.Contains(statement.SQL.String(), want) || len(statement.Vars) != 1 || statement.Vars[0] != argument {
			t.Errorf("%s with %v", statement.SQL.String(), statement.Vars)
		}
	}
}
