package steptest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// A fingerprint contains the column options that users set, but not pg_attver, which PostgreSQL 15.20 writes on every column.
// The test writes pg_attver into the catalogue, since ALTER TABLE ignores or rejects it.
func TestFingerprintHasColumnOptions(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		shape := func(options string) []string {
			t.Helper()
			servertest.Execute(t, pool, "UPDATE pg_attribute SET attoptions = "+options+" WHERE attrelid = 'app.t'::regclass AND attname = 'n'")
			lines, err := steptest.Fingerprint(t.Context(), pool, "app", "")
			if err != nil {
				t.Fatal(err)
			}
			return lines
		}
		servertest.Execute(t, pool, "CREATE SCHEMA app; CREATE TABLE app.t (n int)")
		plain, chosen := shape("NULL"), shape("'{n_distinct=5}'")
		if cmp.Equal(plain, chosen) {
			t.Error("a column with n_distinct=5 has the fingerprint of a column without options")
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
