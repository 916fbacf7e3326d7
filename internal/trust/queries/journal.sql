-- Returns the schema rekey and the objects in it that belong to roles without the current role's rights, or that
-- rekey does not create because they run code. "fault" says why an object is not rekey's; a privilege that lets a
-- role add code counts as ownership. The query reads the catalogue only, by its indexes: each subquery with OFFSET
-- 0 is evaluated for the objects of this schema alone, however many others exist.
WITH own AS MATERIALIZED (
    SELECT n.oid, n.nspowner FROM pg_namespace n WHERE n.nspname = 'rekey'
), held AS MATERIALIZED (
    SELECT d.classid, d.objid
    FROM own CROSS JOIN LATERAL (
        SELECT x.classid, x.objid FROM pg_depend x WHERE x.refclassid = 'pg_namespace'::regclass AND x.refobjid = own.oid OFFSET 0) d
), rel AS MATERIALIZED (
    SELECT c.*, named.expression
    FROM (
        SELECT held.objid AS oid, false AS expression FROM held WHERE held.classid = 'pg_class'::regclass
        UNION ALL -- an index depends on its table only
        SELECT i.indexrelid, i.expression
        FROM held CROSS JOIN LATERAL (
            SELECT x.indexrelid, x.indexprs IS NOT NULL OR x.indpred IS NOT NULL AS expression FROM pg_index x WHERE x.indrelid = held.objid OFFSET 0) i
        WHERE held.classid = 'pg_class'::regclass) named
    CROSS JOIN LATERAL (
        SELECT c.oid, c.relkind, c.relowner, c.relacl, c.relrowsecurity OR c.relforcerowsecurity AS secured
        FROM pg_class c WHERE c.oid = named.oid OFFSET 0) c
), found AS MATERIALIZED (
    SELECT 'pg_namespace'::regclass::oid AS class, own.oid AS object, own.nspowner AS owner, '' AS fault FROM own
    UNION ALL
    SELECT 'pg_class'::regclass, rel.oid, rel.relowner,
           CASE WHEN rel.relkind NOT IN ('r', 'i', 'S') THEN 'it is not an ordinary table'
                WHEN rel.secured THEN 'it has row-level security'
                WHEN EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = rel.oid)
                  OR EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = rel.oid) THEN 'it has a parent or a child'
                ELSE '' END
    FROM rel
    UNION ALL
    SELECT 'pg_class'::regclass, rel.oid, a.grantee, CASE WHEN a.grantee = 0 THEN 'PUBLIC may create triggers on it' ELSE '' END
    FROM rel CROSS JOIN aclexplode(rel.relacl) a WHERE a.privilege_type = 'TRIGGER'
    UNION ALL
    SELECT held.classid, held.objid, p.proowner, ''
    FROM held CROSS JOIN LATERAL (SELECT x.proowner FROM pg_proc x WHERE x.oid = held.objid OFFSET 0) p WHERE held.classid = 'pg_proc'::regclass
    UNION ALL -- row types belong to their tables
    SELECT held.classid, held.objid, t.typowner, ''
    FROM held CROSS JOIN LATERAL (SELECT x.typowner FROM pg_type x WHERE x.oid = held.objid OFFSET 0) t WHERE held.classid = 'pg_type'::regclass
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, rel.relowner, 'rekey creates no triggers'
    FROM rel CROSS JOIN LATERAL (SELECT x.oid FROM pg_trigger x WHERE x.tgrelid = rel.oid OFFSET 0) t
    UNION ALL
    SELECT 'pg_rewrite'::regclass, r.oid, rel.relowner, 'rekey creates no rules'
    FROM rel CROSS JOIN LATERAL (SELECT x.oid FROM pg_rewrite x WHERE x.ev_class = rel.oid OFFSET 0) r WHERE rel.relkind = 'r'
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, rel.relowner, 'rekey creates no policies'
    FROM rel CROSS JOIN LATERAL (SELECT x.oid FROM pg_policy x WHERE x.polrelid = rel.oid OFFSET 0) p
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, rel.relowner, 'it is not a default of rekey''s'
    FROM rel CROSS JOIN LATERAL (SELECT x.oid, x.adbin, x.adrelid FROM pg_attrdef x WHERE x.adrelid = rel.oid OFFSET 0) d
    WHERE pg_get_expr(d.adbin, d.adrelid) NOT IN ('true', 'clock_timestamp()', '0', '''''::text')
    UNION ALL
    SELECT 'pg_constraint'::regclass, c.oid, rel.relowner, 'rekey creates no such constraint'
    FROM rel CROSS JOIN LATERAL (SELECT x.oid, x.contype FROM pg_constraint x WHERE x.conrelid = rel.oid OFFSET 0) c
    WHERE rel.relkind <> 'i' AND c.contype NOT IN ('p', 'u', 'n') AND pg_get_constraintdef(c.oid) <> 'CHECK (one)'
    UNION ALL
    SELECT 'pg_class'::regclass, rel.oid, rel.relowner, 'it is an index on an expression'
    FROM rel WHERE rel.expression
    UNION ALL
    SELECT 'pg_class'::regclass, rel.oid, rel.relowner, 'column ' || quote_ident(a.attname) || ' has a type that is not PostgreSQL''s'
    FROM rel CROSS JOIN LATERAL (
        SELECT x.attname, x.atttypid FROM pg_attribute x WHERE x.attrelid = rel.oid AND x.attnum > 0 AND NOT x.attisdropped OFFSET 0) a
    CROSS JOIN LATERAL (SELECT x.typnamespace FROM pg_type x WHERE x.oid = a.atttypid OFFSET 0) t
    WHERE rel.relkind = 'r' AND t.typnamespace <> 'pg_catalog'::regnamespace
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
