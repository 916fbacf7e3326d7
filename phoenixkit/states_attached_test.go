package phoenixkit_test

// attachedStates are objects on a uuid column that up did not create. Down refuses and names them. Each is tested on a
// column that up made.
func attachedStates() []state {
	attached := func(name, want, setup string) state {
		return state{name: "down: " + name, setup: setup, down: true, code: "dependent_object", table: users, text: want}
	}
	since := func(major int, s state) state {
		s.since = major
		return s
	}
	return []state{
		attached("a view", "view public.people", `CREATE VIEW people AS SELECT uuid FROM phoenix_kit_users`),
		attached("a materialized view", "materialized view public.people", `CREATE MATERIALIZED VIEW people AS SELECT u.* FROM phoenix_kit_users u`),
		attached("a foreign key", "foreign key logins_user_fkey", `CREATE TABLE logins ("user" uuid REFERENCES phoenix_kit_users (uuid))`),
		attached("an index by its key", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users (uuid, id)`),
		attached("an index by its predicate", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users (id) WHERE uuid IS NOT NULL`),
		attached("an index by an expression", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users ((uuid::text))`),
		attached("an index that includes it", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users (id) INCLUDE (uuid)`),
		attached("a unique constraint", "constraint one", `ALTER TABLE phoenix_kit_users ADD CONSTRAINT one UNIQUE (uuid)`),
		attached("a unique constraint on our index", "constraint phoenix_kit_users_uuid_idx",
			`ALTER TABLE phoenix_kit_users ADD CONSTRAINT phoenix_kit_users_uuid_idx UNIQUE USING INDEX phoenix_kit_users_uuid_idx`),
		attached("a check", "constraint right", `ALTER TABLE phoenix_kit_users ADD CONSTRAINT "right" CHECK (uuid::text <> '')`),
		attached("an exclusion constraint", "constraint alone", `ALTER TABLE phoenix_kit_users ADD CONSTRAINT alone EXCLUDE (uuid WITH =)`),
		attached("extended statistics", "statistics both", `CREATE STATISTICS "both" ON id, uuid FROM phoenix_kit_users`),
		attached("a policy", "policy mine", `CREATE POLICY mine ON phoenix_kit_users USING (uuid IS NOT NULL)`),
		attached("a trigger on UPDATE OF", "trigger watch", `CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
			CREATE TRIGGER watch BEFORE UPDATE OF uuid ON phoenix_kit_users FOR EACH ROW EXECUTE FUNCTION watch()`),
		attached("a trigger's WHEN", "trigger watch", `CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
			CREATE TRIGGER watch BEFORE INSERT ON phoenix_kit_users FOR EACH ROW WHEN (NEW.uuid IS NULL) EXECUTE FUNCTION watch()`),
		attached("a rule", "rule on_delete", `CREATE TABLE gone (uuid uuid);
			CREATE RULE on_delete AS ON DELETE TO phoenix_kit_users DO ALSO INSERT INTO gone VALUES (OLD.uuid)`),
		since(15, attached("a publication's column list", "publication", `CREATE PUBLICATION p FOR TABLE phoenix_kit_users (id, uuid)`)),
		attached("a replica identity", "replica identity phoenix_kit_users_uuid_idx", `ALTER TABLE phoenix_kit_users REPLICA IDENTITY USING INDEX phoenix_kit_users_uuid_idx`),
		attached("a generated column", "generated column short", `ALTER TABLE phoenix_kit_users ADD short text GENERATED ALWAYS AS (left(uuid::text, 4)) STORED`),
		since(14, attached("a function with a recorded dependency", "function", `CREATE FUNCTION find() RETURNS uuid LANGUAGE sql
			BEGIN ATOMIC SELECT uuid FROM phoenix_kit_users LIMIT 1; END`)),
		attached("an index of the table's own, elsewhere", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users USING hash (uuid)`),
		{
			name: "down: a table that another role owns now", down: true, setup: `ALTER TABLE phoenix_kit_email_templates OWNER TO {stranger}`,
			code: "not_owner", table: "public.phoenix_kit_email_templates", text: "stranger",
		},
		{
			name: "down: a view on other columns", down: true, then: func(h *database) {
				h.setUp("DROP VIEW people")
				equals(39, small)(h)
			},
			setup: `CREATE VIEW people AS SELECT id, email FROM phoenix_kit_users`,
		},
	}
}

// foundStates are objects on an existing column. The column stays, so only objects that depend on what up added are a
// problem.
func foundStates() []state {
	found := func(name, want, code, setup string) state {
		return state{
			name: "down, found column: " + name, down: true, code: code, text: want, table: map[bool]string{true: users}[code != ""],
			first: halfFilled, setup: setup,
		}
	}
	return []state{
		found("a foreign key on the index of up", "foreign key logins_user_fkey", "dependent_object", `CREATE TABLE logins ("user" uuid REFERENCES phoenix_kit_users (uuid))`),
		found("a replica identity by the index of up", "replica identity", "dependent_object", `ALTER TABLE phoenix_kit_users REPLICA IDENTITY USING INDEX phoenix_kit_users_uuid_idx`),
		found("a replica identity by another index", "replica identity mine", "dependent_object", `CREATE UNIQUE INDEX mine ON phoenix_kit_users (uuid);
			ALTER TABLE phoenix_kit_users REPLICA IDENTITY USING INDEX mine`),
		found("the primary key", "constraint phoenix_kit_users_pkey", "dependent_object", `ALTER TABLE phoenix_kit_users DROP CONSTRAINT phoenix_kit_users_pkey CASCADE;
			ALTER TABLE phoenix_kit_users ADD PRIMARY KEY (uuid)`),
		found("its comment overwritten", "manually", "mark_lost", `COMMENT ON COLUMN phoenix_kit_users.uuid IS 'public key'`),
		found("its comment taken away", "manually", "mark_lost", `COMMENT ON COLUMN phoenix_kit_users.uuid IS NULL`),
		found("its mark truncated", "manually", "mark_lost", `COMMENT ON COLUMN phoenix_kit_users.uuid IS '[rekey: found {"default":'`),
		found("more than an expression in its mark", "manually", "mark_lost",
			`COMMENT ON COLUMN phoenix_kit_users.uuid IS '[rekey: found {"default":"NULL; DROP TABLE phoenix_kit_email_templates; SELECT 1"}]'`),
		found("text written around its mark stays", "", "", `DO $$BEGIN EXECUTE format('COMMENT ON COLUMN phoenix_kit_users.uuid IS %L',
			E'before\n' || col_description('phoenix_kit_users'::regclass, (SELECT attnum FROM pg_attribute
			WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')) || ' and behind'); END$$`),
		found("a view and an index stay", "", "", `CREATE VIEW people AS SELECT uuid FROM phoenix_kit_users; CREATE INDEX mine ON phoenix_kit_users (uuid)`),
	}
}
