-- Sets the search_path to the value at the start of the session, which is the role's own.
SELECT set_config('search_path', (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), true)
