package demo

import "github.com/rekey-pg/rekey/internal/sqltext"

// kind describes how the application uses one table. All its statements name and qualify their columns, so that a new
// column cannot break them.
type kind struct {
	table  string
	field  string // the text column that the application updates; 30 characters fit
	parent string // the table whose key is $2 of an insert; "" if there is none
	// columns and values belong to the INSERT. $1 is the field's value, which no two rows share.
	columns, values string
	// leaf reports that no row refers to the table's rows, so that an old row may be deleted.
	leaf bool
}

// kinds returns the tables with traffic, the largest table of the database among them.
func kinds() []kind {
	return []kind{
		{
			table: "phoenix_kit_users", field: "last_name",
			columns: "email, hashed_password, first_name, last_name, inserted_at, updated_at",
			values:  "$1 || '@example.com', '$2b$12$' || md5($1), 'Kai', $1, now(), now()",
		},
		{
			table: "phoenix_kit_users_tokens", field: "sent_to", parent: "phoenix_kit_users", leaf: true,
			columns: "user_id, token, context, sent_to, inserted_at",
			values:  "$2, decode(md5($1), 'hex'), 'session', $1, now()",
		},
		{
			table: "phoenix_kit_email_logs", field: "subject",
			columns: `message_id, "to", "from", subject, inserted_at, updated_at`,
			values:  "'pk_' || md5($1), $1 || '@example.com', 'shop@example.com', $1, now(), now()",
		},
		{
			table: "phoenix_kit_email_events", field: "link_url", parent: "phoenix_kit_email_logs", leaf: true,
			columns: "email_log_id, event_type, event_data, link_url, inserted_at, updated_at",
			values:  "$2, 'click', jsonb_build_object('at', $1::text), $1, now(), now()",
		},
		{
			table: "phoenix_kit_audit_logs", field: "user_agent", parent: "phoenix_kit_users", leaf: true,
			columns: "target_user_id, admin_user_id, action, user_agent, inserted_at",
			values:  "$2, $2, 'signed_in', $1, now()",
		},
		{
			table: "phoenix_kit_orders", field: "notes", parent: "phoenix_kit_users",
			columns: "user_id, order_number, notes, subtotal, total, inserted_at, updated_at",
			values:  "$2, $1::text, $1::text, 12.5, 15, now(), now()",
		},
	}
}

// statements are the texts of a kind's statements.
type statements struct {
	selects, update, remove    string
	insert                     string // without a uuid; returns id and sum
	selectKey, insertKey, find string // with the column: read the uuid, insert with a uuid, look up by uuid
}

func (k kind) statements(t table) statements {
	say := func(key, text string) string { return weave(text, t.columns, k.field, key, t.relation()) }
	const selects = "SELECT coalesce({field}::text, ''), hashtextextended(ROW({columns})::text, 0), {uuid} FROM {} t WHERE t.id = $1"
	returning := weave(" RETURNING t.id, hashtextextended(ROW({columns})::text, 0)", t.columns, "", "")
	insert := sqltext.Format("INSERT INTO {} AS t ", t.relation())
	given := "$2"
	if k.parent != "" {
		given = "$3"
	}
	return statements{
		selects: say(withoutKey, selects), selectKey: say(withKey, selects),
		find:      say("", "SELECT t.id FROM {} t WHERE t.uuid = $1"),
		remove:    say("", "DELETE FROM {} t WHERE t.id = $1"),
		update:    sqltext.Format("UPDATE {} t SET {} = $2 WHERE t.id = $1", t.relation(), sqltext.Name(k.field)) + returning,
		insert:    insert + "(" + k.columns + ") VALUES (" + k.values + ")" + returning,
		insertKey: insert + "(" + k.columns + ", uuid) VALUES (" + k.values + ", " + given + ")" + returning,
	}
}
