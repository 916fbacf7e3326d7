package phoenixkit_test

import (
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// executed returns the statement of an event, or "".
func executed(e event.Event) string {
	if executing, ok := e.(event.Executing); ok {
		return executing.SQL
	}
	return ""
}

func subscribersReady(o *phoenixkit.Options) { o.Permissions.SubscribersReady = true }
func fireTriggers(o *phoenixkit.Options)     { o.Permissions.FireTriggers = true }

// writeStates are tables with publications, triggers or rules for updates.
func writeStates() []state {
	const touch = `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER touched BEFORE UPDATE ON phoenix_kit_users FOR EACH ROW EXECUTE FUNCTION touch();`
	return []state{
		{
			name: "published without a column list", setup: `CREATE PUBLICATION p FOR TABLE phoenix_kit_users`,
			code: "published", table: users, text: "--subscribers-ready",
		},
		{
			name: "published, --subscribers-ready", setup: `CREATE PUBLICATION p FOR TABLE phoenix_kit_users`,
			option: subscribersReady,
		},
		{
			name: "published with every other table", setup: `CREATE PUBLICATION p FOR ALL TABLES`,
			code: "published", table: "public.phoenix_kit_email_templates", text: "--subscribers-ready",
		},
		{
			name: "published with its schema", since: 15, setup: `CREATE PUBLICATION p FOR TABLES IN SCHEMA public`,
			code: "published", table: users, text: "--subscribers-ready",
		},
		{name: "published with a column list", since: 15, setup: `CREATE PUBLICATION p FOR TABLE phoenix_kit_users (id, email)`},
		{
			name: "published for updates without a replica identity", option: subscribersReady, code: "no_replica_identity", table: users,
			setup: `CREATE PUBLICATION p FOR TABLE phoenix_kit_users; ALTER TABLE phoenix_kit_users REPLICA IDENTITY NOTHING`,
		},
		{name: "a trigger on UPDATE, ordinary role", setup: touch, code: "triggers_fire", table: users, text: "touched"},
		{name: "a trigger on UPDATE, --fire-triggers", setup: touch, option: fireTriggers},
		{
			name: "a trigger on UPDATE, the role may set session_replication_role", since: 15,
			setup: touch + `GRANT SET ON PARAMETER session_replication_role TO {member}; GRANT CREATE ON SCHEMA public TO {member}`, role: member,
		},
		{
			name: "a trigger on UPDATE that is enabled always, superuser", role: superuser, code: "triggers_fire", table: users, text: "touched",
			setup: touch + `ALTER TABLE phoenix_kit_users ENABLE ALWAYS TRIGGER touched`,
		},
		{
			name: "a rule that discards updates", code: "update_rule", table: users, text: "swallow",
			setup: `CREATE RULE swallow AS ON UPDATE TO phoenix_kit_users DO INSTEAD NOTHING`,
		},
		{name: "an unlogged table", setup: `ALTER TABLE phoenix_kit_email_templates SET UNLOGGED`},
	}
}

// The names from version 44 on, and from 65 on.
const (
	at44 = `ALTER TABLE phoenix_kit_db_sync_connections RENAME TO phoenix_kit_sync_connections;
		ALTER TABLE phoenix_kit_db_sync_transfers RENAME TO phoenix_kit_sync_transfers;
		CREATE VIEW phoenix_kit_db_sync_transfers AS SELECT 1 AS id;
	`
	at65 = at44 + `ALTER TABLE phoenix_kit_subscription_plans RENAME TO phoenix_kit_subscription_types;
	`
)

func versionStates() []state {
	completeSmall := ownFunction + each(tablesOf(small), makeComplete)
	promoted := ownFunction + each(tablesOf(small), `ALTER TABLE % DROP COLUMN id CASCADE;
		ALTER TABLE % ADD uuid uuid NOT NULL DEFAULT public.uuid_generate_v7() PRIMARY KEY`)
	stay := func(name, size, at, setup string) state {
		return state{name: name, size: size, setup: recorded(at) + setup, stays: true, then: version(at)}
	}
	return []state{
		{name: "12 version 38", setup: recorded("38"), code: "version_too_old", text: "version 39"},
		{name: "12 no version", setup: `COMMENT ON TABLE phoenix_kit IS NULL`, code: "no_version", text: "version 39"},
		{name: "12 garbage for a version", setup: recorded("forty"), code: "no_version", text: "version 39"},
		{name: "12 version 40, complete, by the original", size: small, setup: recorded("40") + completeSmall, stays: true, then: version("40")},
		stay("12 version 41, complete", small, "41", completeSmall),
		stay("12 version 41, incomplete", small, "41", halfFilled),
		stay("12 version 44, incomplete, sync tables renamed", renames, "44", ownFunction+
			each(without(tablesOf(renames), []string{"phoenix_kit_db_sync_connections"}), makeComplete)+at44),
		stay("12 version 65, incomplete, subscription_types", renames, "65", ownFunction+
			each(without(tablesOf(renames), []string{"phoenix_kit_subscription_plans", "phoenix_kit_db_sync_transfers"}), makeComplete)+at65),
		stay("12 version 73, incomplete", small, "73", halfFilled),
		stay("12 version 74, uuids are the primary keys", small, "74", promoted),
		stay("12 version 82, the same", small, "82", promoted),
		{
			name: "12 version 74, a table without uuid", setup: recorded("74"), kind: problem.ErrDiffers,
			code: "differences", text: "phoenix_kit_users: no column",
		},
		{name: "12 version 181", setup: recorded("181"), code: "unknown_version", text: "180"},
		{name: "12 down at version 39", setup: recorded("39"), down: true, then: equals(39, small)},
		{name: "12 down above 40", setup: recorded("41"), down: true, code: "version_too_new", text: "version 40"},
		{name: "12 down above 180", setup: recorded("181"), down: true, code: "version_too_new", text: "version 40"},
	}
}
