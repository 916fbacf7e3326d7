-- Returns the functions $2 without arguments in the schemas $1. "unprivileged" are the roles that may not call the function
-- but may INSERT into one of the tables $3, by a grant on the table or a column or as its owner. $4 has the schema of the
-- function that each of these tables calls.
WITH tables AS MATERIALIZED (
    SELECT c.oid, a.schema, c.relacl, c.relowner
    FROM unnest($3::oid[], $4::text[]) a (oid, schema)
    JOIN pg_class c ON c.oid = a.oid
)
SELECT n.nspname                                               AS schema,
       p.oid::int8                                             AS oid,
       pg_get_userbyid(p.proowner)                             AS owner,
       pg_has_role(p.proowner, current_user, k.kind) AND pg_has_role(p.proowner, session_user, k.kind) AS owner_becomes,
       EXISTS (SELECT FROM tables c WHERE c.schema = n.nspname)
           AND NOT EXISTS (SELECT FROM tables c WHERE c.schema = n.nspname AND c.relowner <> p.proowner) AS of_tables,
       pg_has_role(p.proowner, 'USAGE')                        AS owned,
       pg_get_userbyid(p.proowner) = current_user              AS own,
       coalesce((SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                 WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
                   AND d.refclassid = 'pg_extension'::regclass), '') AS extension,
       md5(p.prosrc)                                           AS source_md5,
       md5(lower(btrim(regexp_replace(regexp_replace(regexp_replace(p.prosrc, '--[^\n\r]*', '', 'g'),
           '("[^"]+"|\w+)\s*\.\s*gen_random_bytes', 'gen_random_bytes', 'gi'), '\s+', ' ', 'g')))) AS digest,
       p.prokind::text                                         AS kind,
       p.proisstrict                                           AS strict,
       p.prosecdef                                             AS definer,
       p.proleakproof                                          AS leakproof,
       coalesce(p.proconfig, '{}')                             AS config,
       CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || format_type(p.prorettype, NULL) AS returns,
       p.provolatile = 'v'                                     AS volatile,
       p.proparallel = 's'                                     AS parallel_safe,
       l.lanname                                               AS language,
       ARRAY (SELECT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee)::text END
              FROM (SELECT a.grantee FROM tables c
                    CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
                    WHERE c.schema = n.nspname AND a.privilege_type = 'INSERT'
                    UNION
                    SELECT a.grantee FROM tables c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN aclexplode(t.attacl) a
                    WHERE c.schema = n.nspname AND a.privilege_type = 'INSERT'
                    UNION
                    SELECT c.relowner FROM tables c WHERE c.schema = n.nspname
                    UNION
                    SELECT m.roleid FROM pg_auth_members m JOIN pg_roles w ON w.oid = m.roleid
                    WHERE w.rolname = 'pg_write_all_data') g
              WHERE CASE WHEN g.grantee = 0 THEN NOT has_function_privilege('public', p.oid, 'EXECUTE')
                         ELSE NOT has_function_privilege(g.grantee, p.oid, 'EXECUTE') END
              ORDER BY 1)                                      AS unprivileged
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
CROSS JOIN (SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) k (kind)
WHERE n.nspname = ANY ($1::text[]) AND p.proname = $2 AND p.pronargs = 0
