-- From PostgreSQL 15 on a role that is no superuser can be allowed to set session_replication_role.
SELECT has_parameter_privilege('session_replication_role', 'SET')
