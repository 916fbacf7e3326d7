FOR found IN SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
                 FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a
                 WHERE n.nspname = 'rekey' AND a.privilege_type = 'CREATE' AND (a.grantee = 0 OR NOT {owner}) LOOP
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('%s may create in schema rekey, where this makes its procedures', found.grantee),
            DETAIL = 'A procedure of the same name could be called in their stead.',
            HINT = format('REVOKE CREATE ON SCHEMA rekey FROM %s; then run this again; or use a script for psql, whose procedures are the session''s own.', found.grantee);
    END LOOP;
