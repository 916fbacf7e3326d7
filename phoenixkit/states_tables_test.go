package phoenixkit_test

import (
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// later returns the 11 tables that the original's version 40 skips.
func later() []string {
	return []string{
		"phoenix_kit_payment_methods", "phoenix_kit_subscription_plans", "phoenix_kit_subscriptions",
		"phoenix_kit_payment_provider_configs", "phoenix_kit_webhook_events", "phoenix_kit_ai_endpoints",
		"phoenix_kit_ai_requests", "phoenix_kit_ai_prompts", "phoenix_kit_db_sync_connections",
		"phoenix_kit_db_sync_transfers", "phoenix_kit_admin_notes",
	}
}

// each writes a statement for every table, with its name in place of %.
func each(tables []string, statement string) string {
	var all strings.Builder
	for _, table := range tables {
		all.WriteString(strings.ReplaceAll(statement, "%", table) + ";\n")
	}
	return all.String()
}

// makeComplete brings a table to its state after up. Needs ownFunction.
const makeComplete = `ALTER TABLE % ADD uuid uuid NOT NULL DEFAULT public.uuid_generate_v7(); CREATE UNIQUE INDEX %_uuid_idx ON % (uuid)`

// recorded writes the statement that records a version.
func recorded(version string) string {
	return "COMMENT ON TABLE phoenix_kit IS '" + version + "';\n"
}

func tableStates() []state {
	return []state{
		{name: "1 every table is there", size: full, then: equals(40, full)},
		{name: "1 tables absent", then: func(h *database) {
			equals(40, small)(h)
			status, err := phoenixkit.Status(h.t.Context(), h.admin, phoenixkit.Options{Options: rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: []string{owner}}}})
			if err != nil || !status.Complete || len(status.Tables) != 33 || status.Tables[2].State != "absent" {
				h.t.Errorf("status %+v, %v", status, err)
			}
		}},
		{name: "1 no table of the 33 at all", setup: each(tablesOf(small), "DROP TABLE % CASCADE"), then: version("40")},
		{
			name: "2 version 40, 11 tables without uuid", size: full, stays: true,
			setup: recorded("40") + ownFunction + each(without(tablesOf(full), later()), makeComplete),
			then:  equals(40, full),
		},
		{
			name: "3 version 40, 6 tables nullable, with a default, without index", size: six,
			setup: recorded("40") + ownFunction + each(tablesOf(six), `ALTER TABLE % ADD uuid uuid DEFAULT public.uuid_generate_v7()`),
			then:  version("40"),
		},
		{
			name: "3 the same at version 39, the default found by search_path", size: six,
			setup: ownFunction + each(tablesOf(six), `ALTER TABLE % ADD uuid uuid DEFAULT uuid_generate_v7()`),
		},
		{name: "4 nullable, half filled, no index, no default", setup: halfFilled},
		{name: "4 nullable, all NULL", setup: `ALTER TABLE phoenix_kit_users ADD uuid uuid`},
		{
			name:  "4 nullable, half filled, a duplicate value",
			setup: halfFilled + `UPDATE phoenix_kit_users SET uuid = (SELECT max(uuid::text)::uuid FROM phoenix_kit_users) WHERE id IN (4, 5)`,
			code:  "duplicates", table: "public.phoenix_kit_users",
		},
		{
			name:  "6 stopped between ADD COLUMN and CREATE INDEX",
			setup: ownFunction + `ALTER TABLE phoenix_kit_users ADD uuid uuid DEFAULT public.uuid_generate_v7()`,
		},
		{
			name: "6 stopped after SET NOT NULL",
			setup: ownFunction + `ALTER TABLE phoenix_kit_users ADD uuid uuid DEFAULT public.uuid_generate_v7();
				ALTER TABLE phoenix_kit_users ALTER uuid SET NOT NULL`,
		},
		{
			name: "6 an index that is not valid", stays: true, // down leaves no invalid index
			setup: halfFilled + `CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON phoenix_kit_users (uuid);
				UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'phoenix_kit_users_uuid_idx'::regclass`,
		},
		{
			name: "7 a view has a table's name", code: "not_a_table", table: "public.phoenix_kit_users_tokens", text: "view",
			setup: `CREATE VIEW phoenix_kit_users_tokens AS SELECT * FROM phoenix_kit_users`,
		},
		{
			name: "7 a partitioned table has it", code: "not_a_table", table: "public.phoenix_kit_settings", text: "partitioned table",
			setup: `CREATE TABLE phoenix_kit_settings (id bigint) PARTITION BY RANGE (id)`,
		},
		{
			name: "7 a table that inherits", code: "unsupported_table", table: "public.phoenix_kit_settings",
			setup: `CREATE TABLE parent (id bigint); CREATE TABLE phoenix_kit_settings () INHERITS (parent);
				ALTER TABLE phoenix_kit_settings OWNER TO {owner}`,
		},
		{
			name: "8 the index name is taken by another table's", code: "index_name_taken", table: "public.phoenix_kit_users", text: "oban_jobs",
			setup: `CREATE INDEX phoenix_kit_users_uuid_idx ON oban_jobs (id)`,
		},
		{
			name: "8 by a table", code: "index_name_taken", table: "public.phoenix_kit_users",
			setup: `CREATE TABLE phoenix_kit_users_uuid_idx ()`,
		},
		{
			name: "8 by an index of the same table on something else", code: "index_differs", table: "public.phoenix_kit_users",
			setup: `CREATE INDEX phoenix_kit_users_uuid_idx ON phoenix_kit_users (id)`,
		},
		{
			name: "8 by one that is not unique", code: "index_differs", table: "public.phoenix_kit_users",
			setup: halfFilled + `CREATE INDEX phoenix_kit_users_uuid_idx ON phoenix_kit_users (uuid)`,
		},
		{
			name: "8 the temporary constraint's name is taken", code: "constraint_name_taken", table: "public.phoenix_kit_users",
			setup: `ALTER TABLE phoenix_kit_users ADD CONSTRAINT rekey_uuid_not_null CHECK (id > 0)`,
		},
	}
}

const halfFilled = `ALTER TABLE phoenix_kit_users ADD uuid uuid;
	UPDATE phoenix_kit_users SET uuid = gen_random_uuid() WHERE id < 4;
	COMMENT ON COLUMN phoenix_kit_users.uuid IS 'handed out';
`

func without(all, some []string) []string {
	var left []string
	for _, name := range all {
		if !strings.Contains(" "+strings.Join(some, " ")+" ", " "+name+" ") {
			left = append(left, name)
		}
	}
	return left
}

// equals compares the catalogue with the one that PhoenixKit's own migrations leave. It ignores tables that the
// database does not have.
func equals(version int, size string) func(*database) {
	return func(h *database) {
		h.t.Helper()
		var gone []string
		for _, d := range h.compare(version) {
			if d.Aspect == "tables" && d.Got == "" {
				gone = append(gone, d.Table)
			}
		}
		if size == full && len(gone) > 0 {
			h.t.Errorf("missing tables: %v", gone)
		}
		for _, difference := range h.compare(version, fixture.Without(gone...)) {
			h.t.Error(difference)
		}
	}
}

func (h *database) compare(version int, list ...fixture.Option) []fixture.Difference {
	h.t.Helper()
	found, err := fixture.Compare(h.t.Context(), h.admin, "public", version, list...)
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

// version compares the recorded version.
func version(want string) func(*database) {
	return func(h *database) {
		h.t.Helper()
		if got := queryOne[string](h, "SELECT obj_description('public.phoenix_kit'::regclass, 'pg_class')"); got != want {
			h.t.Errorf("recorded version %s, want %s", got, want)
		}
	}
}
