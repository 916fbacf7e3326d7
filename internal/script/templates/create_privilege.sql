FOR found IN SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
                 FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a
                 WHERE n.nspname = 'rekey' AND a.privilege_type = 'CREATE' AND (a.grantee = 0 OR NOT {owner}) LOOP
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('%s has the CREATE privilege on schema rekey, in which the script creates its procedures', found.grantee),
            DETAIL = 'The role could create a procedure that is called instead.',
            HINT = format('REVOKE CREATE ON SCHEMA rekey FROM %s; then run this again. Or use a script for psql, whose procedures are temporary.', found.grantee);
    END LOOP;
