-- The search_path that the session began with: the role's own.
SELECT set_config('search_path', (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), true)
