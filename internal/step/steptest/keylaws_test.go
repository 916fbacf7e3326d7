package steptest_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// keyLabs returns the SQL of tables whose primary keys are switched, and the switch.
type keyCase struct {
	sql  string
	keys func(*keyLab)
}

func keyCases() map[string]keyCase {
	p := func(l *keyLab) { l.key("p", "uuid") }
	const two = `CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint NOT NULL REFERENCES app.p ON DELETE CASCADE, p_uuid uuid REFERENCES app.p (uuid) ON DELETE CASCADE);
		CREATE TABLE app.d (id bigint PRIMARY KEY, p_id integer CONSTRAINT "d's p" REFERENCES app.p (id) ON UPDATE CASCADE ON DELETE SET NULL);
		INSERT INTO app.c (id, p_id, p_uuid) SELECT n, n, app.u(n) FROM generate_series(1, 9) n; INSERT INTO app.d SELECT n, n FROM generate_series(1, 9) n;`
	return map[string]keyCase{
		"two children": {two, p},
	}
}

// The laws hold for primary keys of every kind.
func TestLawsOfKeys(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		cases := keyCases()
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newKeyLab(t, c, cases[name].sql)
				cases[name].keys(l)
				steptest.Laws(t, l.subject())
			})
		}
	})
}

var _ = sqltext.Table{}
