package step_test

import "testing"

// The query that a person runs finds the rows whether they have the uuid column or not.
func TestSelectOrphans(t *testing.T) {
	want := `SELECT * FROM ONLY "app"."orders" c WHERE "c"."user_id" IS NOT NULL AND NOT EXISTS (SELECT FROM "app"."users" p WHERE p."id" OPERATOR(pg_catalog.=) "c"."user_id")`
	if got := markedEdge().SelectOrphans(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
