package phoenixkit

import "github.com/rekey-pg/rekey"

// Profile is what rekey knows of PhoenixKit: the 33 tables of V40 in V40's order, the names that V44
// and V65 gave to three of them, and the versions between which the way is open.
func Profile() rekey.Profile {
	return rekey.Profile{
		Name:         "phoenixkit",
		VersionTable: "phoenix_kit",
		Column:       "uuid",
		From:         39,
		To:           40,
		VerifyFrom:   74,
		KeyedFrom:    135,
		Last:         180,
		Tables:       tables(),
	}
}

func tables() []rekey.ProfileTable {
	return []rekey.ProfileTable{
		{Name: "phoenix_kit_users", Time: "inserted_at"},
		{Name: "phoenix_kit_users_tokens", Time: "inserted_at"},
		{Name: "phoenix_kit_user_roles", Time: "inserted_at"},
		{Name: "phoenix_kit_user_role_assignments", Time: "inserted_at"},
		{Name: "phoenix_kit_settings", Time: "date_added"},
		{Name: "phoenix_kit_referral_codes", Time: "date_created"},
		{Name: "phoenix_kit_referral_code_usage", Time: "date_used"},
		{Name: "phoenix_kit_email_logs", Time: "inserted_at"},
		{Name: "phoenix_kit_email_events", Time: "inserted_at"},
		{Name: "phoenix_kit_email_blocklist", Time: "inserted_at"},
		{Name: "phoenix_kit_email_templates", Time: "inserted_at"},
		{Name: "phoenix_kit_email_orphaned_events", Time: "inserted_at"},
		{Name: "phoenix_kit_email_metrics", Time: "inserted_at"},
		{Name: "phoenix_kit_user_oauth_providers", Time: "inserted_at"},
		{Name: "phoenix_kit_entities", Time: "date_created"},
		{Name: "phoenix_kit_entity_data", Time: "date_created"},
		{Name: "phoenix_kit_audit_logs", Time: "inserted_at"},
		{Name: "phoenix_kit_currencies", Time: "inserted_at"},
		{Name: "phoenix_kit_billing_profiles", Time: "inserted_at"},
		{Name: "phoenix_kit_orders", Time: "inserted_at"},
		{Name: "phoenix_kit_invoices", Time: "inserted_at"},
		{Name: "phoenix_kit_transactions", Time: "inserted_at"},
		{Name: "phoenix_kit_payment_methods", Time: "inserted_at"},
		{Name: "phoenix_kit_subscription_plans", Time: "inserted_at", Renamed: &rekey.Rename{Version: 65, Name: "phoenix_kit_subscription_types"}},
		{Name: "phoenix_kit_subscriptions", Time: "inserted_at"},
		{Name: "phoenix_kit_payment_provider_configs", Time: "inserted_at"},
		{Name: "phoenix_kit_webhook_events", Time: "inserted_at"},
		{Name: "phoenix_kit_ai_endpoints", Time: "inserted_at"},
		{Name: "phoenix_kit_ai_requests", Time: "inserted_at"},
		{Name: "phoenix_kit_ai_prompts", Time: "inserted_at"},
		{Name: "phoenix_kit_db_sync_connections", Time: "inserted_at", Renamed: &rekey.Rename{Version: 44, Name: "phoenix_kit_sync_connections"}},
		{Name: "phoenix_kit_db_sync_transfers", Time: "inserted_at", Renamed: &rekey.Rename{Version: 44, Name: "phoenix_kit_sync_transfers"}},
		{Name: "phoenix_kit_admin_notes", Time: "inserted_at"},
	}
}
