package pg

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// contrary are values that a role may have and that are none of the pins', for the settings that have no boolean.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var contrary = map[string]string{
	"search_path": "public, pg_catalog", "DateStyle": "'SQL, DMY'", "IntervalStyle": "sql_standard", "bytea_output": "escape",
	"extra_float_digits": "-3", "xmloption": "document", "backslash_quote": "on",
	"from_collapse_limit": "1", "join_collapse_limit": "1", "geqo_threshold": "2", "constraint_exclusion": "on",
	"cursor_tuple_fraction": "1", "random_page_cost": "900", "seq_page_cost": "800", "cpu_tuple_cost": "9",
	"cpu_index_tuple_cost": "9", "cpu_operator_cost": "9", "max_parallel_workers_per_gather": "7",
	"force_parallel_mode": "on", "debug_parallel_query": "on", "plan_cache_mode": "force_custom_plan",
}

// lanes are the values that a lane has where they differ from the pins.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var lanes = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_mergejoin": "off"}

// against returns the value that a role sets against a pin.
func against(t *testing.T, p pin) string {
	t.Helper()
	if value, named := contrary[p.name]; named {
		return value
	}
	switch p.value {
	case "on":
		return "off"
	case "off":
		return "on"
	}
	t.Fatalf("no value contrary to %s = %s", p.name, p.value)
	return ""
}

// TestPins: whatever a role sets, a transaction and a session of its own have the pinned values, on every version
// those of its own.
func TestPins(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c)
		admin := b.session("postgres")
		database := pgx.Identifier{b.pool.Config().ConnConfig.Database}.Sanitize() // the role is that of other tests, too
		probe, err := b.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ours := pinned(probe.Conn().PgConn(), "SET")
		_ = probe.Conn().Close(t.Context())
		probe.Release()
		number := 0
		for _, p := range pins {
			if p.since > c.Major || p.until > 0 && p.until < c.Major {
				continue
			}
			number++
			b.run(admin, "ALTER ROLE plain IN DATABASE "+database+" SET "+p.name+" = "+against(t, p))
		}
		if len(ours) != number+1 { // client_encoding
			t.Errorf("%d settings of %d pins", len(ours), number)
		}
		check := func(what string, tx Tx) error {
			for _, p := range pins {
				if p.since > c.Major || p.until > 0 && p.until < c.Major {
					continue
				}
				var value string
				if err := tx.QueryRow(t.Context(), "SELECT current_setting($1)", p.name).Scan(&value); err != nil {
					return err
				}
				want := strings.Trim(p.value, "'")
				if own, named := lanes[p.name]; named && what == "lane" {
					want = own
				}
				if value != want {
					t.Errorf("%s: %s is %s, not %s", what, p.name, value, want)
				}
			}
			return nil
		}
		if err := Run(t.Context(), b.pool, Settings{}, func(tx Tx) error { return check("transaction", tx) }); err != nil {
			t.Fatal(err)
		}
		lane := NewSession(b.pool)
		defer lane.Close(t.Context())
		if err := lane.Read(t.Context(), func(tx Tx) error { return check("lane", tx) }); err != nil {
			t.Fatal(err)
		}
		var left string // what the role has set is there again after the transaction
		if err := b.pool.QueryRow(t.Context(), "SELECT current_setting('jit')", pgx.QueryExecModeExec).Scan(&left); err != nil || left != "on" {
			t.Errorf("jit is %q after the transaction, %v", left, err)
		}
	})
}
