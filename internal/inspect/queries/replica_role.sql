-- Returns whether the role may set session_replication_role. From PostgreSQL 15 on this can be granted.
SELECT has_parameter_privilege('session_replication_role', 'SET')
