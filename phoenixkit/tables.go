package phoenixkit

import (
	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/known"
)

// Profile returns what rekey knows of PhoenixKit: the 33 tables of V40 in V40's order, the later names that V44
// and V65 give three of them, the versions between which rekey migrates, and what messages say
// about PhoenixKit.
func Profile() rekey.Profile {
	is := known.PhoenixKit()
	return rekey.Profile{
		Name:         is.Name,
		VersionTable: is.VersionTable,
		Column:       "uuid",
		From:         39,
		To:           40,
		VerifyFrom:   74,
		KeyedFrom:    135,
		Last:         180,
		LinkAt:       40,
		Tables:       tables(),
		References:   references(),
		Title:        is.Title,
		Function:     rekey.ProfileFunction(is.Function),
		Hints: rekey.ProfileHints{
			Up:       "mix phoenix_kit.update, or a migration with up(version: 39)",
			Down:     "a migration with down(version: 40)",
			Recorded: "its own migrations record it",
			Repair:   "Inspect the rows with equal values first, since PhoenixKit's own repair deletes them: mix phoenix_kit.repair_uuid",
			Newer:    "Install a newer rekey.",
		},
	}
}

func tables() []rekey.ProfileTable {
	return []rekey.ProfileTable{
		{Name: "phoenix_kit_users", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_users_tokens", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_user_roles", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_user_role_assignments", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_settings", TimeColumn: "date_added"},
		{Name: "phoenix_kit_referral_codes", TimeColumn: "date_created"},
		{Name: "phoenix_kit_referral_code_usage", TimeColumn: "date_used"},
		{Name: "phoenix_kit_email_logs", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_email_events", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_email_blocklist", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_email_templates", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_email_orphaned_events", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_email_metrics", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_user_oauth_providers", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_entities", TimeColumn: "date_created"},
		{Name: "phoenix_kit_entity_data", TimeColumn: "date_created"},
		{Name: "phoenix_kit_audit_logs", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_currencies", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_billing_profiles", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_orders", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_invoices", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_transactions", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_payment_methods", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_subscription_plans", TimeColumn: "inserted_at", Renamed: &rekey.Rename{Version: 65, Name: "phoenix_kit_subscription_types"}},
		{Name: "phoenix_kit_subscriptions", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_payment_provider_configs", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_webhook_events", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_ai_endpoints", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_ai_requests", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_ai_prompts", TimeColumn: "inserted_at"},
		{Name: "phoenix_kit_db_sync_connections", TimeColumn: "inserted_at", Renamed: &rekey.Rename{Version: 44, Name: "phoenix_kit_sync_connections"}},
		{Name: "phoenix_kit_db_sync_transfers", TimeColumn: "inserted_at", Renamed: &rekey.Rename{Version: 44, Name: "phoenix_kit_sync_transfers"}},
		{Name: "phoenix_kit_admin_notes", TimeColumn: "inserted_at"},
	}
}
