package phoenixkit

import "github.com/rekey-pg/rekey"

// references returns the columns of version 40 that refer to one of the 33 tables, with the names that V56 gives their uuid
// columns, foreign keys and indexes, so that V56 finds them and makes none of its own. The tables have their names at
// version 40.
func references() []rekey.ProfileReference {
	return append(foreignKeys(), unconstrained()...)
}

// foreignKeys returns the references that have a foreign key.
func foreignKeys() []rekey.ProfileReference {
	return []rekey.ProfileReference{
		{Table: "phoenix_kit_users_tokens", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_users_tokens_user_uuid", Index: "phoenix_kit_users_tokens_user_uuid_idx"},
		{Table: "phoenix_kit_user_role_assignments", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_user_role_assignments_user_uuid", Index: "phoenix_kit_user_role_assignments_user_uuid_idx"},
		{Table: "phoenix_kit_user_role_assignments", Column: "assigned_by", Parent: "phoenix_kit_users", UUIDColumn: "assigned_by_uuid", Constraint: "fk_user_role_assignments_assigned_by_uuid", Index: "phoenix_kit_user_role_assignments_assigned_by_uuid_idx"},
		{Table: "phoenix_kit_admin_notes", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_admin_notes_user_uuid", Index: "phoenix_kit_admin_notes_user_uuid_idx"},
		{Table: "phoenix_kit_admin_notes", Column: "author_id", Parent: "phoenix_kit_users", UUIDColumn: "author_uuid", Constraint: "fk_admin_notes_author_uuid", Index: "phoenix_kit_admin_notes_author_uuid_idx"},
		{Table: "phoenix_kit_user_oauth_providers", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_user_oauth_providers_user_uuid", Index: "phoenix_kit_user_oauth_providers_user_uuid_idx"},
		{Table: "phoenix_kit_posts", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_posts_user_uuid", Index: "phoenix_kit_posts_user_uuid_idx"},
		{Table: "phoenix_kit_post_comments", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_post_comments_user_uuid", Index: "phoenix_kit_post_comments_user_uuid_idx"},
		{Table: "phoenix_kit_post_likes", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_post_likes_user_uuid", Index: "phoenix_kit_post_likes_user_uuid_idx"},
		{Table: "phoenix_kit_post_views", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_post_views_user_uuid", Index: "phoenix_kit_post_views_user_uuid_idx"},
		{Table: "phoenix_kit_post_mentions", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_post_mentions_user_uuid", Index: "phoenix_kit_post_mentions_user_uuid_idx"},
		{Table: "phoenix_kit_post_groups", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_post_groups_user_uuid", Index: "phoenix_kit_post_groups_user_uuid_idx"},
		{Table: "phoenix_kit_tickets", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_tickets_user_uuid", Index: "phoenix_kit_tickets_user_uuid_idx"},
		{Table: "phoenix_kit_tickets", Column: "assigned_to_id", Parent: "phoenix_kit_users", UUIDColumn: "assigned_to_uuid", Constraint: "fk_tickets_assigned_to_uuid", Index: "phoenix_kit_tickets_assigned_to_uuid_idx"},
		{Table: "phoenix_kit_ticket_comments", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_ticket_comments_user_uuid", Index: "phoenix_kit_ticket_comments_user_uuid_idx"},
		{Table: "phoenix_kit_ticket_status_history", Column: "changed_by_id", Parent: "phoenix_kit_users", UUIDColumn: "changed_by_uuid", Constraint: "fk_ticket_status_history_changed_by_uuid", Index: "phoenix_kit_ticket_status_history_changed_by_uuid_idx"},
		{Table: "phoenix_kit_user_blocks", Column: "blocker_id", Parent: "phoenix_kit_users", UUIDColumn: "blocker_uuid", Constraint: "fk_user_blocks_blocker_uuid", Index: "phoenix_kit_user_blocks_blocker_uuid_idx"},
		{Table: "phoenix_kit_user_blocks", Column: "blocked_id", Parent: "phoenix_kit_users", UUIDColumn: "blocked_uuid", Constraint: "fk_user_blocks_blocked_uuid", Index: "phoenix_kit_user_blocks_blocked_uuid_idx"},
		{Table: "phoenix_kit_user_blocks_history", Column: "blocker_id", Parent: "phoenix_kit_users", UUIDColumn: "blocker_uuid", Constraint: "fk_user_blocks_history_blocker_uuid", Index: "phoenix_kit_user_blocks_history_blocker_uuid_idx"},
		{Table: "phoenix_kit_user_blocks_history", Column: "blocked_id", Parent: "phoenix_kit_users", UUIDColumn: "blocked_uuid", Constraint: "fk_user_blocks_history_blocked_uuid", Index: "phoenix_kit_user_blocks_history_blocked_uuid_idx"},
		{Table: "phoenix_kit_user_follows", Column: "follower_id", Parent: "phoenix_kit_users", UUIDColumn: "follower_uuid", Constraint: "fk_user_follows_follower_uuid", Index: "phoenix_kit_user_follows_follower_uuid_idx"},
		{Table: "phoenix_kit_user_follows", Column: "followed_id", Parent: "phoenix_kit_users", UUIDColumn: "followed_uuid", Constraint: "fk_user_follows_followed_uuid", Index: "phoenix_kit_user_follows_followed_uuid_idx"},
		{Table: "phoenix_kit_user_follows_history", Column: "follower_id", Parent: "phoenix_kit_users", UUIDColumn: "follower_uuid", Constraint: "fk_user_follows_history_follower_uuid", Index: "phoenix_kit_user_follows_history_follower_uuid_idx"},
		{Table: "phoenix_kit_user_follows_history", Column: "followed_id", Parent: "phoenix_kit_users", UUIDColumn: "followed_uuid", Constraint: "fk_user_follows_history_followed_uuid", Index: "phoenix_kit_user_follows_history_followed_uuid_idx"},
		{Table: "phoenix_kit_user_connections", Column: "requester_id", Parent: "phoenix_kit_users", UUIDColumn: "requester_uuid", Constraint: "fk_user_connections_requester_uuid", Index: "phoenix_kit_user_connections_requester_uuid_idx"},
		{Table: "phoenix_kit_user_connections", Column: "recipient_id", Parent: "phoenix_kit_users", UUIDColumn: "recipient_uuid", Constraint: "fk_user_connections_recipient_uuid", Index: "phoenix_kit_user_connections_recipient_uuid_idx"},
		{Table: "phoenix_kit_user_connections_history", Column: "user_a_id", Parent: "phoenix_kit_users", UUIDColumn: "user_a_uuid", Constraint: "fk_user_connections_history_user_a_uuid", Index: "phoenix_kit_user_connections_history_user_a_uuid_idx"},
		{Table: "phoenix_kit_user_connections_history", Column: "user_b_id", Parent: "phoenix_kit_users", UUIDColumn: "user_b_uuid", Constraint: "fk_user_connections_history_user_b_uuid", Index: "phoenix_kit_user_connections_history_user_b_uuid_idx"},
		{Table: "phoenix_kit_user_connections_history", Column: "actor_id", Parent: "phoenix_kit_users", UUIDColumn: "actor_uuid", Constraint: "fk_user_connections_history_actor_uuid", Index: "phoenix_kit_user_connections_history_actor_uuid_idx"},
		{Table: "phoenix_kit_files", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_files_user_uuid", Index: "phoenix_kit_files_user_uuid_idx"},
		{Table: "phoenix_kit_billing_profiles", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_billing_profiles_user_uuid", Index: "phoenix_kit_billing_profiles_user_uuid_idx"},
		{Table: "phoenix_kit_orders", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_orders_user_uuid", Index: "phoenix_kit_orders_user_uuid_idx"},
		{Table: "phoenix_kit_invoices", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_invoices_user_uuid", Index: "phoenix_kit_invoices_user_uuid_idx"},
		{Table: "phoenix_kit_transactions", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_transactions_user_uuid", Index: "phoenix_kit_transactions_user_uuid_idx"},
		{Table: "phoenix_kit_ai_requests", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Constraint: "fk_ai_requests_user_uuid", Index: "phoenix_kit_ai_requests_user_uuid_idx"},
		{Table: "phoenix_kit_db_sync_connections", Column: "approved_by", Parent: "phoenix_kit_users", UUIDColumn: "approved_by_uuid", Constraint: "fk_sync_connections_approved_by_uuid", Index: "phoenix_kit_sync_connections_approved_by_uuid_idx"},
		{Table: "phoenix_kit_db_sync_connections", Column: "suspended_by", Parent: "phoenix_kit_users", UUIDColumn: "suspended_by_uuid", Constraint: "fk_sync_connections_suspended_by_uuid", Index: "phoenix_kit_sync_connections_suspended_by_uuid_idx"},
		{Table: "phoenix_kit_db_sync_connections", Column: "revoked_by", Parent: "phoenix_kit_users", UUIDColumn: "revoked_by_uuid", Constraint: "fk_sync_connections_revoked_by_uuid", Index: "phoenix_kit_sync_connections_revoked_by_uuid_idx"},
		{Table: "phoenix_kit_db_sync_connections", Column: "created_by", Parent: "phoenix_kit_users", UUIDColumn: "created_by_uuid", Constraint: "fk_sync_connections_created_by_uuid", Index: "phoenix_kit_sync_connections_created_by_uuid_idx"},
		{Table: "phoenix_kit_db_sync_transfers", Column: "approved_by", Parent: "phoenix_kit_users", UUIDColumn: "approved_by_uuid", Constraint: "fk_sync_transfers_approved_by_uuid", Index: "phoenix_kit_sync_transfers_approved_by_uuid_idx"},
		{Table: "phoenix_kit_db_sync_transfers", Column: "denied_by", Parent: "phoenix_kit_users", UUIDColumn: "denied_by_uuid", Constraint: "fk_sync_transfers_denied_by_uuid", Index: "phoenix_kit_sync_transfers_denied_by_uuid_idx"},
		{Table: "phoenix_kit_db_sync_transfers", Column: "initiated_by", Parent: "phoenix_kit_users", UUIDColumn: "initiated_by_uuid", Constraint: "fk_sync_transfers_initiated_by_uuid", Index: "phoenix_kit_sync_transfers_initiated_by_uuid_idx"},
		{Table: "phoenix_kit_user_role_assignments", Column: "role_id", Parent: "phoenix_kit_user_roles", UUIDColumn: "role_uuid", Constraint: "fk_user_role_assignments_role_uuid", Index: "phoenix_kit_user_role_assignments_role_uuid_idx"},
		{Table: "phoenix_kit_entity_data", Column: "entity_id", Parent: "phoenix_kit_entities", UUIDColumn: "entity_uuid", Constraint: "fk_entity_data_entity_uuid", Index: "phoenix_kit_entity_data_entity_uuid_idx"},
		{Table: "phoenix_kit_orders", Column: "billing_profile_id", Parent: "phoenix_kit_billing_profiles", UUIDColumn: "billing_profile_uuid", Constraint: "fk_orders_billing_profile_uuid", Index: "phoenix_kit_orders_billing_profile_uuid_idx"},
		{Table: "phoenix_kit_invoices", Column: "order_id", Parent: "phoenix_kit_orders", UUIDColumn: "order_uuid", Constraint: "fk_invoices_order_uuid", Index: "phoenix_kit_invoices_order_uuid_idx"},
		{Table: "phoenix_kit_transactions", Column: "invoice_id", Parent: "phoenix_kit_invoices", UUIDColumn: "invoice_uuid", Constraint: "fk_transactions_invoice_uuid", Index: "phoenix_kit_transactions_invoice_uuid_idx"},
		{Table: "phoenix_kit_email_events", Column: "email_log_id", Parent: "phoenix_kit_email_logs", UUIDColumn: "email_log_uuid", Constraint: "fk_email_events_email_log_uuid", Index: "phoenix_kit_email_events_email_log_uuid_idx"},
		{Table: "phoenix_kit_ai_requests", Column: "endpoint_id", Parent: "phoenix_kit_ai_endpoints", UUIDColumn: "endpoint_uuid", Constraint: "fk_ai_requests_endpoint_uuid", Index: "phoenix_kit_ai_requests_endpoint_uuid_idx"},
		{Table: "phoenix_kit_db_sync_transfers", Column: "connection_id", Parent: "phoenix_kit_db_sync_connections", UUIDColumn: "connection_uuid", Constraint: "fk_sync_transfers_connection_uuid", Index: "phoenix_kit_sync_transfers_connection_uuid_idx"},
		{Table: "phoenix_kit_referral_code_usage", Column: "code_id", Parent: "phoenix_kit_referral_codes", UUIDColumn: "code_uuid", Constraint: "fk_referral_code_usage_code_uuid", Index: "phoenix_kit_referral_code_usage_code_uuid_idx"},
	}
}

// unconstrained returns the references without a foreign key, which rekey takes only if they are named. V56 makes no foreign
// key for them.
func unconstrained() []rekey.ProfileReference {
	return []rekey.ProfileReference{
		{Table: "phoenix_kit_audit_logs", Column: "target_user_id", Parent: "phoenix_kit_users", UUIDColumn: "target_user_uuid", Index: "phoenix_kit_audit_logs_target_user_uuid_idx"},
		{Table: "phoenix_kit_audit_logs", Column: "admin_user_id", Parent: "phoenix_kit_users", UUIDColumn: "admin_user_uuid", Index: "phoenix_kit_audit_logs_admin_user_uuid_idx"},
		{Table: "phoenix_kit_subscriptions", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Index: "phoenix_kit_subscriptions_user_uuid_idx"},
		{Table: "phoenix_kit_payment_methods", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Index: "phoenix_kit_payment_methods_user_uuid_idx"},
		{Table: "phoenix_kit_entities", Column: "created_by", Parent: "phoenix_kit_users", UUIDColumn: "created_by_uuid", Index: "phoenix_kit_entities_created_by_uuid_idx"},
		{Table: "phoenix_kit_entity_data", Column: "created_by", Parent: "phoenix_kit_users", UUIDColumn: "created_by_uuid", Index: "phoenix_kit_entity_data_created_by_uuid_idx"},
		{Table: "phoenix_kit_email_logs", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Index: "phoenix_kit_email_logs_user_uuid_idx"},
		{Table: "phoenix_kit_email_blocklist", Column: "user_id", Parent: "phoenix_kit_users", UUIDColumn: "user_uuid", Index: "phoenix_kit_email_blocklist_user_uuid_idx"},
		{Table: "phoenix_kit_email_templates", Column: "created_by_user_id", Parent: "phoenix_kit_users", UUIDColumn: "created_by_user_uuid", Index: "phoenix_kit_email_templates_created_by_user_uuid_idx"},
		{Table: "phoenix_kit_email_templates", Column: "updated_by_user_id", Parent: "phoenix_kit_users", UUIDColumn: "updated_by_user_uuid", Index: "phoenix_kit_email_templates_updated_by_user_uuid_idx"},
		{Table: "phoenix_kit_referral_codes", Column: "created_by", Parent: "phoenix_kit_users", UUIDColumn: "created_by_uuid", Index: "phoenix_kit_referral_codes_created_by_uuid_idx"},
		{Table: "phoenix_kit_referral_codes", Column: "beneficiary", Parent: "phoenix_kit_users", UUIDColumn: "beneficiary_uuid", Index: "phoenix_kit_referral_codes_beneficiary_uuid_idx"},
		{Table: "phoenix_kit_referral_code_usage", Column: "used_by", Parent: "phoenix_kit_users", UUIDColumn: "used_by_uuid", Index: "phoenix_kit_referral_code_usage_used_by_uuid_idx"},
		{Table: "phoenix_kit_subscriptions", Column: "billing_profile_id", Parent: "phoenix_kit_billing_profiles", UUIDColumn: "billing_profile_uuid", Index: "phoenix_kit_subscriptions_billing_profile_uuid_idx"},
		{Table: "phoenix_kit_subscriptions", Column: "payment_method_id", Parent: "phoenix_kit_payment_methods", UUIDColumn: "payment_method_uuid", Index: "phoenix_kit_subscriptions_payment_method_uuid_idx"},
	}
}
