package withgorm

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/rekey-pg/rekey/ident"
)

// An order is created with one key. The other one is sent as NULL, not as a zero value that would disagree with it.
func TestCreateOrderSendsOneKey(t *testing.T) {
	u, n := ident.NewV7As[uuid.UUID](), int64(42)
	for _, user := range []ident.ID{ident.FromInt64(n), ident.FromUUID(u)} {
		order, err := CreateOrder(dry(t), user, 5)
		if err != nil {
			t.Fatal(err)
		}
		_, byUUID := user.UUID()
		if (order.UserUUID != nil) != byUUID || (order.UserID != nil) == byUUID {
			t.Errorf("%v: %+v", user, order)
		}
	}
}

func TestOrdersOfEitherKey(t *testing.T) {
	u := ident.NewV7()
	for _, user := range []ident.ID{ident.FromInt64(42), ident.FromUUID(u)} {
		condition, _ := user.Where("user_id", "user_uuid")
		statement := dry(t).Where(user.WhereAt(ident.Question, "user_id", "user_uuid")).Find(new([]Order)).Statement
		if !strings.Contains(statement.SQL.String(), condition) {
			t.Errorf("%s does not contain %s", statement.SQL.String(), condition)
		}
	}
	statement := dry(t).Model(&Order{ID: 7}).Update("user_uuid", uuid.UUID(u)).Statement
	if sql := statement.SQL.String(); !strings.Contains(sql, `"user_uuid"`) || strings.Contains(sql, `"user_id"`) {
		t.Errorf("moved by %s", sql)
	}
}
