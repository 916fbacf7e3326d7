package phoenixkit_test

// attachedStates are things that hang on a uuid column and that up did not make: down refuses, naming
// them. Every one is tried on a column that up made.
func attachedStates() []state {
	hangs := func(name, says, setup string) state {
		return state{name: "down: " + name, setup: setup, down: true, code: "dependent_object", table: users, says: says}
	}
	from := func(major int, s state) state {
		s.since = major
		return s
	}
	return []state{
		hangs("a view", "view public.people", `CREATE VIEW people AS SELECT uuid FROM phoenix_kit_users`),
		hangs("a materialized view", "materialized view public.people", `CREATE MATERIALIZED VIEW people AS SELECT u.* FROM phoenix_kit_users u`),
		hangs("a foreign key", "foreign key logins_user_fkey", `CREATE TABLE logins ("user" uuid REFERENCES phoenix_kit_users (uuid))`),
		hangs("an index by its key", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users (uuid, id)`),
		hangs("an index by its predicate", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users (id) WHERE uuid IS NOT NULL`),
		hangs("an index by an expression", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users ((uuid::text))`),
		hangs("an index that includes it", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users (id) INCLUDE (uuid)`),
		hangs("a unique constraint", "constraint one", `ALTER TABLE phoenix_kit_users ADD CONSTRAINT one UNIQUE (uuid)`),
		hangs("a unique constraint on our index", "constraint phoenix_kit_users_uuid_idx",
			`ALTER TABLE phoenix_kit_users ADD CONSTRAINT phoenix_kit_users_uuid_idx UNIQUE USING INDEX phoenix_kit_users_uuid_idx`),
		hangs("a check", "constraint right", `ALTER TABLE phoenix_kit_users ADD CONSTRAINT "right" CHECK (uuid::text <> '')`),
		hangs("an exclusion constraint", "constraint alone", `ALTER TABLE phoenix_kit_users ADD CONSTRAINT alone EXCLUDE (uuid WITH =)`),
		hangs("extended statistics", "statistics both", `CREATE STATISTICS "both" ON id, uuid FROM phoenix_kit_users`),
		hangs("a policy", "policy mine", `CREATE POLICY mine ON phoenix_kit_users USING (uuid IS NOT NULL)`),
		hangs("a trigger on UPDATE OF", "trigger watch", `CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
			CREATE TRIGGER watch BEFORE UPDATE OF uuid ON phoenix_kit_users FOR EACH ROW EXECUTE FUNCTION watch()`),
		hangs("a trigger's WHEN", "trigger watch", `CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
			CREATE TRIGGER watch BEFORE INSERT ON phoenix_kit_users FOR EACH ROW WHEN (NEW.uuid IS NULL) EXECUTE FUNCTION watch()`),
		hangs("a rule", "rule on_delete", `CREATE TABLE gone (uuid uuid);
			CREATE RULE on_delete AS ON DELETE TO phoenix_kit_users DO ALSO INSERT INTO gone VALUES (OLD.uuid)`),
		from(15, hangs("a publication's column list", "publication", `CREATE PUBLICATION p FOR TABLE phoenix_kit_users (id, uuid)`)),
		hangs("a replica identity", "replica identity phoenix_kit_users_uuid_idx", `ALTER TABLE phoenix_kit_users REPLICA IDENTITY USING INDEX phoenix_kit_users_uuid_idx`),
		hangs("a generated column", "generated column short", `ALTER TABLE phoenix_kit_users ADD short text GENERATED ALWAYS AS (left(uuid::text, 4)) STORED`),
		from(14, hangs("a function with a recorded dependency", "function", `CREATE FUNCTION find() RETURNS uuid LANGUAGE sql
			BEGIN ATOMIC SELECT uuid FROM phoenix_kit_users LIMIT 1; END`)),
		hangs("an index of the table's own, elsewhere", "index by_uuid", `CREATE INDEX by_uuid ON phoenix_kit_users USING hash (uuid)`),
		{
			name: "down: a table that another role owns now", down: true, setup: `ALTER TABLE phoenix_kit_email_templates OWNER TO {stranger}`,
			code: "not_owner", table: "public.phoenix_kit_email_templates", says: "stranger",
		},
		{
			name: "down: a view on other columns is in nobody's way", down: true, then: func(h *house) {
				h.set("DROP VIEW people")
				equals(39, small)(h)
			},
			setup: `CREATE VIEW people AS SELECT id, email FROM phoenix_kit_users`,
		},
	}
}

// foundStates are things that hang on a column that up found: it stays, so only what leans on what up
// added to it is in the way.
func foundStates() []state {
	found := func(name, says, code, setup string) state {
		return state{
			name: "down, found column: " + name, down: true, code: code, says: says, table: map[bool]string{true: users}[code != ""],
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
		found("its comment overwritten", "by hand", "mark_lost", `COMMENT ON COLUMN phoenix_kit_users.uuid IS 'public key'`),
		found("its comment taken away", "by hand", "mark_lost", `COMMENT ON COLUMN phoenix_kit_users.uuid IS NULL`),
		found("half of its mark left", "by hand", "mark_lost", `COMMENT ON COLUMN phoenix_kit_users.uuid IS '[rekey: found {"default":'`),
		found("more than an expression in its mark", "by hand", "mark_lost",
			`COMMENT ON COLUMN phoenix_kit_users.uuid IS '[rekey: found {"default":"NULL; DROP TABLE phoenix_kit_email_templates; SELECT 1"}]'`),
		found("text written around its mark stays", "", "", `DO $$BEGIN EXECUTE format('COMMENT ON COLUMN phoenix_kit_users.uuid IS %L',
			E'before\n' || col_description('phoenix_kit_users'::regclass, (SELECT attnum FROM pg_attribute
			WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')) || ' and behind'); END$$`),
		found("a view and an index stay", "", "", `CREATE VIEW people AS SELECT uuid FROM phoenix_kit_users; CREATE INDEX mine ON phoenix_kit_users (uuid)`),
	}
}
