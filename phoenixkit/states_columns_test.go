package phoenixkit_test

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// users is the table of most states.
const users = "public.phoenix_kit_users"

func columnStates() []state {
	return []state{
		{
			name: "5 varchar(36), all values parse", code: "text_column", table: users, text: "TYPE uuid USING",
			setup: `ALTER TABLE phoenix_kit_users ADD uuid varchar(36);
				UPDATE phoenix_kit_users SET uuid = gen_random_uuid()::text WHERE id > 2`,
		},
		{
			name: "5 varchar(36), not all parse", code: "text_column", table: users, text: "no-uuid-at-all",
			setup: `ALTER TABLE phoenix_kit_users ADD uuid varchar(36) DEFAULT 'no-uuid-at-all'`,
		},
		{
			name: "5 text, as the application wrote it", code: "text_column", table: users, text: "TYPE uuid USING",
			setup: `ALTER TABLE phoenix_kit_users ADD uuid text; UPDATE phoenix_kit_users SET uuid = upper(gen_random_uuid()::text)`,
		},
		{
			name: "5 bytea", code: "column_type", table: users, text: "bytea",
			setup: `ALTER TABLE phoenix_kit_users ADD uuid bytea`,
		},
		{
			name: "5 a domain over uuid", code: "column_type", table: users,
			setup: `CREATE DOMAIN key AS uuid; ALTER TABLE phoenix_kit_users ADD uuid key`,
		},
		{
			name: "5 generated", code: "generated_column", table: users,
			setup: `ALTER TABLE phoenix_kit_users ADD uuid uuid GENERATED ALWAYS AS (md5(id::text)::uuid) STORED`,
		},
		{
			name:  "11 email_templates with the nullable uuid of a later V15",
			setup: ownFunction + `ALTER TABLE phoenix_kit_email_templates ADD uuid uuid DEFAULT public.uuid_generate_v7()`,
		},
		{
			name:  "11 the same with a v4 default and a unique constraint",
			setup: `ALTER TABLE phoenix_kit_email_templates ADD uuid uuid UNIQUE DEFAULT gen_random_uuid()`,
			then: func(h *database) {
				const sql = "SELECT count(*) FROM phoenix_kit_email_templates WHERE substr(uuid::text, 15, 1) = '4'"
				if n := queryOne[int](h, sql); n != 5 {
					h.t.Errorf("%d values are kept, want 5", n)
				}
			},
		},
		{
			name:  "11 the unique constraint has the index's name",
			setup: `ALTER TABLE phoenix_kit_email_templates ADD uuid uuid CONSTRAINT phoenix_kit_email_templates_uuid_idx UNIQUE`,
		},
		{
			name: "11 NOT NULL not yet validated", since: 18, stays: true,
			setup: `ALTER TABLE phoenix_kit_email_templates ADD uuid uuid;
				ALTER TABLE phoenix_kit_email_templates ADD CONSTRAINT mine NOT NULL uuid NOT VALID`,
		},
		{
			name: "11 a column of another schema's default",
			setup: `CREATE SCHEMA extra; CREATE FUNCTION extra.uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
				GRANT USAGE ON SCHEMA extra TO PUBLIC;
				ALTER TABLE phoenix_kit_users ADD uuid uuid DEFAULT extra.uuid_generate_v7()`,
		},
		{
			name: "row-level security forced on a found column", code: "row_security", table: users, text: "BYPASSRLS",
			setup: halfFilled + `ALTER TABLE phoenix_kit_users ENABLE ROW LEVEL SECURITY; ALTER TABLE phoenix_kit_users FORCE ROW LEVEL SECURITY`,
		},
		{
			name: "row-level security forced, no column yet", code: "row_security", table: users, text: "BYPASSRLS",
			setup: `ALTER TABLE phoenix_kit_users ENABLE ROW LEVEL SECURITY; ALTER TABLE phoenix_kit_users FORCE ROW LEVEL SECURITY`,
		},
		{
			name:  "row-level security that lets the owner through",
			setup: `ALTER TABLE phoenix_kit_users ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON phoenix_kit_users USING (id > 3)`,
		},
	}
}

func nameStates() []state {
	moved := func(name, prefix string) state {
		return state{name: name, prefix: prefix, setup: rename(prefix)}
	}
	return []state{
		moved("9 prefix other", "other"),
		moved("9 prefix Auth-Kit", "Auth-Kit"),
		moved("9 prefix with quotes and spaces", `it's "a" \ prefix`),
		moved("9 prefix of 63 bytes", "é"+strings.Repeat("x", 61)),
		moved("9 prefix that is a keyword", "select"),
		{
			name: "9 two installations in one database", prefix: "Auth-Kit", setup: rename("Auth-Kit"),
			before: func(h *database) {
				h.install()
				h.saved = h.fingerprint("public")
			},
			then: func(h *database) {
				now := slices.DeleteFunc(h.fingerprint("public"), func(line string) bool { return line == "schema rekey" })
				if diff := cmp.Diff(h.saved, now); diff != "" {
					h.t.Errorf("the other installation changed\n%s", diff)
				}
			},
		},
		{name: "9 no such schema", prefix: "nowhere", code: "no_schema", text: "public"},
		{name: "9 no phoenix_kit in the prefix", prefix: "empty", setup: "CREATE SCHEMA empty AUTHORIZATION {owner}", code: "no_version_table", text: "public"},
		{
			name: "9 a view named phoenix_kit", setup: `DROP TABLE phoenix_kit; CREATE VIEW phoenix_kit AS SELECT 1 AS id;
				COMMENT ON VIEW phoenix_kit IS '39'`, code: "no_version_table",
		},
	}
}
