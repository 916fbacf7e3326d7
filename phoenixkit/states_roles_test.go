package phoenixkit_test

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// revoked revokes EXECUTE on new functions from PUBLIC, as careful hosts do.
const revoked = `ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
	GRANT USAGE ON SCHEMA public TO {writer};
	GRANT INSERT, SELECT ON phoenix_kit_users TO {writer};
	GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {writer};
`

const insertion = `BEGIN; INSERT INTO public.phoenix_kit_users (email, hashed_password, inserted_at, updated_at) VALUES ('x', 'x', now(), now()); ROLLBACK`

func roleStates() []state {
	return []state{
		{name: "10 a superuser", role: superuser},
		{name: "10 a member of the owning role", role: member, setup: `GRANT CREATE ON SCHEMA public TO {member}`},
		{name: "10 may not create extensions nor schemas; a DBA made schema rekey", setup: noCreate + `CREATE SCHEMA rekey AUTHORIZATION {owner}`},
		{
			name:  "10 a DBA made schema rekey and granted it",
			setup: noCreate + `CREATE SCHEMA rekey; GRANT USAGE, CREATE ON SCHEMA rekey TO {owner}`,
		},
		{
			name: "10 may not create schema rekey", setup: noCreate,
			code: "no_journal_schema", text: "CREATE SCHEMA rekey AUTHORIZATION {owner}",
		},
		{
			name: "10 schema rekey is another role's", setup: `CREATE SCHEMA rekey`,
			code: "no_journal_rights", text: "GRANT USAGE, CREATE ON SCHEMA rekey TO {owner}",
		},
		{
			name: "10 may not create in the prefix's schema", setup: `REVOKE CREATE ON SCHEMA public FROM PUBLIC, {owner}`,
			code: "no_create", text: `GRANT CREATE ON SCHEMA "public" TO {owner}`,
		},
		{
			name:  "10 may not create in its default tablespace",
			setup: `DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET default_tablespace = pg_global', current_database()); END$$`,
			code:  "no_tablespace", text: `GRANT CREATE ON TABLESPACE "pg_global" TO {owner}`,
		},
		{
			name: "10 may not use the prefix's schema", setup: `REVOKE ALL ON SCHEMA public FROM PUBLIC, {owner}`,
			code: "no_usage", text: `GRANT USAGE, CREATE ON SCHEMA "public" TO {owner}`,
		},
		{
			name: "10 does not own the tables", role: stranger, setup: `GRANT ALL ON SCHEMA public TO {stranger};
				GRANT ALL ON ALL TABLES IN SCHEMA public TO {stranger}`,
			code: "not_owner", table: users, text: `GRANT {owner} TO "stranger"`,
		},
		{
			name: "10 does not own one table", setup: `ALTER TABLE phoenix_kit_email_templates OWNER TO {stranger}`,
			code: "not_owner", table: "public.phoenix_kit_email_templates", text: "stranger",
		},
		{
			name: "10 does not own phoenix_kit", setup: `ALTER TABLE phoenix_kit OWNER TO {stranger}`,
			code: "not_owner", table: "public.phoenix_kit", text: "stranger",
		},
		{
			name: "10 functions revoked from PUBLIC, another role inserts", setup: revoked,
			before: func(h *database) { grantedInTime(h) },
			then:   func(h *database) { mayInsert(h) },
		},
		{
			name:  "10 the same for a role that inserts some columns",
			setup: revoked + `REVOKE INSERT ON phoenix_kit_users FROM {writer}; GRANT INSERT (id, email, hashed_password, inserted_at, updated_at) ON phoenix_kit_users TO {writer}`,
			then:  func(h *database) { mayInsert(h) },
		},
		{
			name:  "10 the same for PUBLIC",
			setup: revoked + `REVOKE INSERT ON phoenix_kit_users FROM {writer}; GRANT INSERT ON phoenix_kit_users TO PUBLIC`,
			then:  func(h *database) { mayInsert(h) },
		},
	}
}

// noCreate revokes CREATE on the database from the ordinary role.
const noCreate = `DO $$BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM {owner}', current_database()); END$$;
`

func mayInsert(h *database) {
	h.t.Helper()
	if err := h.exec(writer, insertion); err != nil {
		h.t.Errorf("insert as another role: %v", err)
	}
}

// grantedInTime runs up and down, and checks that the inserting role got EXECUTE before a default called the function.
func grantedInTime(h *database) {
	var steps []string
	_, err := h.up(owner, func(o *phoenixkit.Options) {
		o.OnEvent = func(e event.Event) { steps = append(steps, executed(e)) }
	})
	if err != nil {
		h.t.Fatal(err)
	}
	grant := slices.IndexFunc(steps, func(sql string) bool { return strings.HasPrefix(sql, "GRANT EXECUTE") })
	first := slices.IndexFunc(steps, func(sql string) bool { return strings.Contains(sql, "SET DEFAULT") })
	if grant < 0 || first < grant {
		h.t.Errorf("EXECUTE is statement %d, the first default is statement %d: %q", grant, first, steps)
	}
	if _, err := h.down(owner); err != nil {
		h.t.Fatal(err)
	}
	h.setUp(`DROP FUNCTION public.uuid_generate_v7()`)
}

func functionStates() []state {
	const other = `CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE AS `
	const v4 = `'SELECT gen_random_uuid()';
	`
	return []state{
		{name: "14 our function is there", setup: ownFunction},
		{
			name: "14 our function of another major version", then: func(h *database) { rekeysFunction(h) },
			before: func(h *database) {
				h.setUp("SET check_function_bodies = off; " + function(otherMajor(h.c.Major)) + "; ALTER FUNCTION public.uuid_generate_v7() OWNER TO {owner}")
			},
		},
		{name: "14 our function, made by another role", setup: `{function}`},
		{name: "14 another owner's that makes v7", setup: another},
		{
			name: "14 the same for a superuser", role: superuser, setup: another + `; ALTER FUNCTION public.uuid_generate_v7() OWNER TO {stranger}`,
			code: "unusable_function", text: "belongs to stranger",
		},
		{
			name: "14 another owner's that an inserting role may not call", code: "no_execute", text: "writer",
			setup: revoked + another + `; REVOKE EXECUTE ON FUNCTION public.uuid_generate_v7() FROM PUBLIC;
				GRANT EXECUTE ON FUNCTION public.uuid_generate_v7() TO {owner}`,
		},
		{name: "14 another owner's that makes v4", setup: other + v4, code: "unusable_function", text: "does not make UUIDv7"},
		{
			name: "14 another owner's that needs a search_path", code: "unusable_function", text: "does not exist",
			setup: `CREATE FUNCTION public.mine() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';` + other + `'SELECT mine()'`,
		},
		{name: "14 another owner's that is stable", setup: strings.ReplaceAll(another, "VOLATILE", "STABLE"), code: "unusable_function", text: "not volatile"},
		{name: "14 one that returns text", setup: `CREATE FUNCTION public.uuid_generate_v7() RETURNS text LANGUAGE sql AS 'SELECT gen_random_uuid()::text'`, code: "unusable_function", text: "text"},
		{
			name:  "14 an unknown one of the role itself that makes v7",
			setup: another + `; ALTER FUNCTION public.uuid_generate_v7() OWNER TO {owner}`,
		},
	}
}

// another creates a function that makes UUIDv7 but is not rekey's: its text differs in white space.
const another = `CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
	SELECT overlay(overlay(gen_random_uuid()::text PLACING
		substr(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0'), 1, 8) || '-' ||
		substr(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0'), 9, 4) FROM 1 FOR 13)
		PLACING '7' FROM 15 FOR 1)::uuid $$`

func otherMajor(major int) int {
	if major >= 18 {
		return 13
	}
	return 18
}

func rekeysFunction(h *database) {
	h.t.Helper()
	const sql = "SELECT pg_get_functiondef('public.uuid_generate_v7'::regproc)"
	now := queryOne[string](h, sql)
	h.setUp("{function}")
	if fresh := queryOne[string](h, sql); fresh != now {
		h.t.Errorf("the function is\n%s\nwant\n%s", now, fresh)
	}
}
