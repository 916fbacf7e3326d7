-- Returns the server and the current role's rights.
SELECT current_setting('server_version')                                   AS version_text,
       clock_timestamp()                                                   AS now,
       current_database()                                                  AS database,
       pg_is_in_recovery()                                                 AS standby,
       current_setting('default_transaction_read_only')::bool              AS read_only,
       (SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout') AS deadlock_timeout,
       r.rolname                                                           AS role,
       CASE WHEN session_user <> current_user THEN session_user::text ELSE '' END AS session,
       r.rolsuper                                                          AS superuser,
       r.rolbypassrls OR r.rolsuper                                        AS bypass_rls,
       pg_has_role('pg_monitor', 'USAGE')                                  AS monitor,
       has_database_privilege(current_database(), 'CREATE')                AS create_database,
       coalesce((SELECT t.spcname
                 FROM pg_tablespace t
                 WHERE t.spcname = current_setting('default_tablespace')
                   AND t.oid <> (SELECT d.dattablespace FROM pg_database d WHERE d.datname = current_database())
                   AND NOT has_tablespace_privilege(t.oid, 'CREATE')), '') AS no_tablespace
FROM pg_roles r
WHERE r.rolname = current_user
