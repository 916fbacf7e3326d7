DECLARE
    missing      text;
    tables       oid[] := ARRAY[
{tables}
    ];
    function_oid oid := {function};
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true);
    FOR missing IN
        SELECT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
        FROM (SELECT a.grantee FROM pg_class c
              CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
              WHERE c.oid = ANY (tables) AND a.privilege_type = 'INSERT'
              UNION
              SELECT a.grantee FROM pg_attribute t CROSS JOIN aclexplode(t.attacl) a
              WHERE t.attrelid = ANY (tables) AND a.privilege_type = 'INSERT'
              UNION
              SELECT c.relowner FROM pg_class c WHERE c.oid = ANY (tables)
              UNION
              SELECT m.roleid FROM pg_auth_members m JOIN pg_roles w ON w.oid = m.roleid
              WHERE w.rolname = 'pg_write_all_data') g
        WHERE CASE WHEN g.grantee = 0 THEN NOT has_function_privilege('public', function_oid, 'EXECUTE')
                   ELSE NOT has_function_privilege(g.grantee, function_oid, 'EXECUTE') END
        ORDER BY CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee)::text END
    LOOP
        EXECUTE 'GRANT EXECUTE ON FUNCTION ' || {function_name} || ' TO ' || missing;
    END LOOP;
END
