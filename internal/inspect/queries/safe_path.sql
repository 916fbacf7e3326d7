-- Sets the search_path to pg_catalog and the safe schemas of the current search_path, and returns it. A schema is safe if
-- every role that may create objects in it has the current role's rights or is one of $1.
SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog', (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ' ORDER BY s.n)
    FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY s (name, n)
    JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) s.name
    WHERE n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'
      AND NOT EXISTS (
        SELECT FROM (SELECT n.nspowner AS role
                     UNION ALL
                     SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a
                     WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE') c
        WHERE c.role OPERATOR(pg_catalog.=) 0
           OR NOT pg_catalog.pg_has_role(c.role, current_user::pg_catalog.name, CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4
                  OPERATOR(pg_catalog.>=) 160000 THEN 'SET' ELSE 'MEMBER' END)
              AND pg_catalog.pg_get_userbyid(c.role) OPERATOR(pg_catalog.<>) ALL ($1::pg_catalog.text[]::pg_catalog.name[])))), true)
