-- Returns the current role and its rights that code of the copied schema must not get: '' if it has none. CREATEROLE counts, since before 16
-- it gives a role every other one of these.
SELECT r.rolname::text,
       CASE WHEN r.rolsuper THEN 'is a superuser'
            WHEN r.rolcreaterole THEN 'may create roles'
            WHEN r.rolreplication THEN 'may replicate'
            ELSE coalesce((SELECT 'is a member of ' || g.rolname FROM pg_catalog.pg_roles g
                           WHERE g.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
                             AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER') LIMIT 1), '') END
FROM pg_catalog.pg_roles r
WHERE r.rolname = current_user
