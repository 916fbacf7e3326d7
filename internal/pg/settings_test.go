package pg

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// otherValues holds a value for each setting that is not boolean, other than its pin's value.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var otherValues = map[string]string{
	"search_path": "public, pg_catalog", "DateStyle": "'SQL, DMY'", "IntervalStyle": "sql_standard", "bytea_output": "escape",
	"extra_float_digits": "-3", "xmloption": "document", "backslash_quote": "on",
	"from_collapse_limit": "1", "join_collapse_limit": "1", "geqo_threshold": "2", "constraint_exclusion": "on",
	"cursor_tuple_fraction": "1", "random_page_cost": "900", "seq_page_cost": "800", "cpu_tuple_cost": "9",
	"cpu_index_tuple_cost": "9", "cpu_operator_cost": "9", "max_parallel_workers_per_gather": "7",
	"force_parallel_mode": "on", "debug_parallel_query": "on", "plan_cache_mode": "force_custom_plan",
}

// sessionValues holds the settings for which a Session has another value than the pin.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var sessionValues = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_mergejoin": "off"}

// otherValue returns a value other than the pin's.
func otherValue(t *testing.T, p pin) string {
	t.Helper()
	if value, named := otherValues[p.name]; named {
		return value
	}
	switch p.value {
	case "on":
		return "off"
	case "off":
		return "on"
	}
	t.Fatalf("no other value known for %s = %s", p.name, p.value)
	return ""
}

// TestPinsOverrideRoleSettings checks that a transaction and a Session have the pinned values, on every version, even if
// the role has other settings.
func TestPinsOverrideRoleSettings(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		admin := b.session("postgres")
		database := pgx.Identifier{b.pool.Config().ConnConfig.Database}.Sanitize() // other tests use the same role
		probe, err := b.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ours := pinned(probe.Conn().PgConn(), "SET")
		_ = probe.Conn().Close(t.Context())
		probe.Release()
		count := 0
		for _, p := range pins {
			if p.since > c.Major || p.until > 0 && p.until < c.Major {
				continue
			}
			count++
			b.exec(admin, "ALTER ROLE plain IN DATABASE "+database+" SET "+p.name+" = "+otherValue(t, p))
		}
		if len(ours) != count+1 { // and client_encoding
			t.Errorf("%d settings of %d pins", len(ours), count)
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
				if value, named := sessionValues[p.name]; named && what == "session" {
					want = value
				}
				if value != want {
					t.Errorf("%s: %s is %s, want %s", what, p.name, value, want)
				}
			}
			return nil
		}
		if err := Run(t.Context(), b.pool, Settings{}, func(tx Tx) error { return check("transaction", tx) }); err != nil {
			t.Fatal(err)
		}
		session := NewSession(b.pool)
		defer session.Close(t.Context())
		if err := session.Read(t.Context(), func(tx Tx) error { return check("session", tx) }); err != nil {
			t.Fatal(err)
		}
		var left string // the role's setting applies again after the transaction
		if err := b.pool.QueryRow(t.Context(), "SELECT current_setting('jit')", pgx.QueryExecModeExec).Scan(&left); err != nil || left != "on" {
			t.Errorf("jit is %q after the transaction, %v", left, err)
		}
	})
}
