-- Returns the identifier that a primary and its standbys share.
SELECT system_identifier::text FROM pg_control_system()
