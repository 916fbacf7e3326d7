package steptest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// TestShapeColumnOptions: PostgreSQL 15.20 writes the option pg_attver on every column, another number each time. The test writes
// it itself, since no statement can and the other releases have none.
func TestShapeColumnOptions(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		shape := func(options string) []string {
			t.Helper()
			servertest.Execute(t, pool, "UPDATE pg_attribute SET attoptions = "+options+" WHERE attrelid = 'app.t'::regclass AND attname = 'n'")
			lines, err := steptest.Shape(t.Context(), pool, "app", "")
			if err != nil {
				t.Fatal(err)
			}
			return lines
		}
		servertest.Execute(t, pool, "CREATE SCHEMA app; CREATE TABLE app.t (n int)")
		plain, chosen := shape("NULL"), shape("'{n_distinct=5}'")
		if cmp.Equal(plain, chosen) {
			t.Error("n_distinct=5 is no difference from no option")
		}
		for _, c := range []struct {
			options string
			want    []string
		}{
			{"'{}'", plain},
			{"'{pg_attver=22158952}'", plain},
			{"'{pg_attver=1,n_distinct=5}'", chosen},
			{"'{n_distinct=5,pg_attver=2}'", chosen},
		} {
			if diff := cmp.Diff(c.want, shape(c.options)); diff != "" {
				t.Errorf("options %s (-want +got)\n%s", c.options, diff)
			}
		}
	})
}
