package run_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestManyTwins links a table with more indexes on its reference than a step has actions otherwise.
func TestManyTwins(t *testing.T) {
	s := newSchemaRun(t, servertest.Cluster(t, servertest.Versions(t)[0]), `CREATE SCHEMA app; CREATE TABLE app.users (id bigserial PRIMARY KEY);
		CREATE TABLE app.posts (id bigserial PRIMARY KEY, user_id bigint REFERENCES app.users, score int);
		DO $$ BEGIN FOR n IN 1..25 LOOP EXECUTE format('CREATE INDEX posts_%s ON app.posts (user_id, (score + %s))', n, n); END LOOP; END $$`, nil)
	s.reach(plan.Up, plan.Linked)
	s.reach(plan.Down, plan.Expanded)
}
