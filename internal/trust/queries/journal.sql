-- The schema rekey and what is in it, each with its owner, and what about it is not rekey's own: code that a statement
-- on it would run. Privileges count as ownership where they let a role add code. Only the catalogue is read. OFFSET 0: no
-- text is made of the defaults and constraints of any other table.
WITH own AS (
    SELECT n.oid, n.nspowner FROM pg_namespace n WHERE n.nspname = 'rekey'
), rel AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relowner, c.relacl, c.relrowsecurity OR c.relforcerowsecurity AS secured
    FROM pg_class c WHERE c.relnamespace = (SELECT oid FROM own)
), found AS (
    SELECT 'pg_namespace'::regclass::oid AS class, own.oid AS object, own.nspowner AS owner, '' AS fault FROM own
    UNION ALL
    SELECT 'pg_class'::regclass, rel.oid, rel.relowner,
           CASE WHEN rel.relkind NOT IN ('r', 'i', 'S') THEN 'it is not an ordinary table'
                WHEN rel.secured THEN 'it has row-level security'
                WHEN EXISTS (SELECT FROM pg_inherits h WHERE rel.oid IN (h.inhrelid, h.inhparent)) THEN 'it has a parent or a child'
                ELSE '' END
    FROM rel
    UNION ALL
    SELECT 'pg_class'::regclass, rel.oid, a.grantee, CASE WHEN a.grantee = 0 THEN 'everybody may create triggers on it' ELSE '' END
    FROM rel CROSS JOIN aclexplode(rel.relacl) a WHERE a.privilege_type = 'TRIGGER'
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, p.proowner, '' FROM pg_proc p WHERE p.pronamespace = (SELECT oid FROM own)
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, t.typowner, '' FROM pg_type t WHERE t.typnamespace = (SELECT oid FROM own)
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, rel.relowner, 'rekey makes no triggers' FROM pg_trigger t JOIN rel ON rel.oid = t.tgrelid
    UNION ALL
    SELECT 'pg_rewrite'::regclass, r.oid, rel.relowner, 'rekey makes no rules' FROM pg_rewrite r JOIN rel ON rel.oid = r.ev_class WHERE rel.relkind = 'r'
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, rel.relowner, 'rekey makes no policies' FROM pg_policy p JOIN rel ON rel.oid = p.polrelid
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, rel.relowner, 'it is not the default that rekey makes'
    FROM rel CROSS JOIN LATERAL (SELECT x.oid, x.adbin, x.adrelid FROM pg_attrdef x WHERE x.adrelid = rel.oid OFFSET 0) d
    WHERE pg_get_expr(d.adbin, d.adrelid) NOT IN ('true', 'clock_timestamp()', '0', '''''::text')
    UNION ALL
    SELECT 'pg_constraint'::regclass, c.oid, rel.relowner, 'rekey makes no such constraint'
    FROM rel CROSS JOIN LATERAL (SELECT x.oid, x.contype FROM pg_constraint x WHERE x.conrelid = rel.oid OFFSET 0) c
    WHERE c.contype NOT IN ('p', 'u', 'n') AND pg_get_constraintdef(c.oid) <> 'CHECK (one)'
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, rel.relowner, 'it is an index on an expression'
    FROM pg_index i JOIN rel ON rel.oid = i.indrelid WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, rel.oid, rel.relowner, 'column ' || quote_ident(a.attname) || ' has a type that is not PostgreSQL''s'
    FROM pg_attribute a JOIN rel ON rel.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
    WHERE rel.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace <> 'pg_catalog'::regnamespace
)
SELECT DISTINCT pg_describe_object(class, object, 0) AS name,
       CASE WHEN owner = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(owner)::text END AS owner,
       owner <> 0 AND pg_has_role(owner, current_user,
           CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS becomes,
       fault
FROM found
WHERE fault <> '' OR owner = 0 OR NOT pg_has_role(owner, current_user,
           CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
ORDER BY name, fault
