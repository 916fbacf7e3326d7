-- The code that an UPDATE of the tables $1 would run, through all that the catalogue knows: what is recorded in
-- pg_depend, and the functions, operators and types in the trees of expressions (pg_depend has none of PostgreSQL's
-- own). $2 says that only triggers that are enabled ALWAYS or for REPLICA fire. "fault" is why an expression of an
-- owner who has not the role's rights must not call a function of a superuser: it executes a text, or does something.
WITH RECURSIVE asked AS MATERIALIZED (
    SELECT c.oid, c.relowner AS owner FROM pg_class c WHERE c.oid = ANY ($1::oid[])
), above AS (
    SELECT oid AS relation, owner, oid AS up FROM asked
    UNION
    SELECT a.relation, a.owner, h.inhparent FROM above a JOIN pg_inherits h ON h.inhrelid = a.up
), seed AS (
    -- constraints, and those that parents have: their partition keys
    SELECT a.relation, a.owner, 'pg_constraint'::regclass::oid AS class, c.oid AS object, c.conbin::text AS tree
    FROM asked q JOIN above a ON a.relation = q.oid AND a.up = q.oid JOIN pg_constraint c ON c.conrelid = q.oid WHERE c.contype IN ('c', 'x')
    UNION ALL
    SELECT q.oid, q.owner, 'pg_class'::regclass, i.indexrelid, concat(i.indexprs::text, i.indpred::text)
    FROM asked q JOIN pg_index i ON i.indrelid = q.oid
    UNION ALL
    SELECT q.oid, q.owner, 'pg_attrdef'::regclass, d.oid, d.adbin::text
    FROM asked q JOIN pg_attrdef d ON d.adrelid = q.oid
    JOIN pg_attribute t ON t.attrelid = d.adrelid AND t.attnum = d.adnum WHERE t.attgenerated <> ''
    UNION ALL
    SELECT a.relation, a.owner, 'pg_class'::regclass, p.partrelid, p.partexprs::text
    FROM above a JOIN pg_partitioned_table p ON p.partrelid = a.up
    UNION ALL
    SELECT q.oid, q.owner, 'pg_trigger'::regclass, t.oid, t.tgqual::text
    FROM asked q JOIN pg_trigger t ON t.tgrelid = q.oid
    WHERE NOT t.tgisinternal AND t.tgtype::int & 16 <> 0 AND (t.tgenabled IN ('A', 'R') OR t.tgenabled = 'O' AND NOT $2::bool)
    UNION ALL
    SELECT q.oid, q.owner, 'pg_rewrite'::regclass, r.oid, NULL FROM asked q JOIN pg_rewrite r ON r.ev_class = q.oid
    UNION ALL
    SELECT DISTINCT q.oid, q.owner, 'pg_type'::regclass, t.atttypid, NULL
    FROM asked q JOIN pg_attribute t ON t.attrelid = q.oid WHERE t.attnum > 0 AND NOT t.attisdropped
), node AS (
    SELECT s.relation, s.owner, s.class AS top, s.object AS topmost, s.class, s.object, s.tree FROM seed s
    UNION
    SELECT n.relation, n.owner, n.top, n.topmost, r.class, r.object, r.tree
    FROM node n
    CROSS JOIN LATERAL (
        SELECT d.refclassid AS class, d.refobjid AS object, NULL::text AS tree
        FROM pg_depend d
        WHERE d.classid = n.class AND d.objid = n.object AND n.class <> 'pg_language'::regclass
          AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_type'::regclass)
        UNION ALL
        SELECT 'pg_proc'::regclass, m[1]::oid, NULL FROM regexp_matches(n.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') m
        UNION ALL
        SELECT 'pg_operator'::regclass, m[1]::oid, NULL FROM regexp_matches(n.tree, ':opno (\d+)', 'g') m
        UNION ALL
        SELECT 'pg_type'::regclass, m[1]::oid, NULL
        FROM regexp_matches(n.tree, ':(?:consttype|funcresulttype|opresulttype|resulttype|vartype|row_typeid|array_typeid|element_typeid|typeId|minmaxtype|coalescetype) (\d+)', 'g') m
        UNION ALL
        SELECT 'pg_proc'::regclass, o.oprcode, NULL FROM pg_operator o WHERE n.class = 'pg_operator'::regclass AND o.oid = n.object
        UNION ALL
        SELECT 'pg_opfamily'::regclass, o.opcfamily, NULL FROM pg_opclass o WHERE n.class = 'pg_opclass'::regclass AND o.oid = n.object
        UNION ALL
        SELECT 'pg_proc'::regclass, p.amproc, NULL FROM pg_amproc p WHERE n.class = 'pg_opfamily'::regclass AND p.amprocfamily = n.object AND n.object >= 16384
        UNION ALL
        SELECT 'pg_operator'::regclass, p.amopopr, NULL FROM pg_amop p WHERE n.class = 'pg_opfamily'::regclass AND p.amopfamily = n.object AND n.object >= 16384
        UNION ALL
        SELECT x.class, x.object, x.tree
        FROM pg_type t
        CROSS JOIN LATERAL (
            SELECT 'pg_type'::regclass::oid AS class, u.oid AS object, NULL::text AS tree FROM unnest(ARRAY[t.typbasetype, t.typelem]) u (oid)
            UNION ALL
            SELECT 'pg_type'::regclass, a.atttypid, NULL FROM pg_attribute a WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT 'pg_constraint'::regclass, c.oid, c.conbin::text FROM pg_constraint c WHERE c.contypid = t.oid
            UNION ALL
            SELECT 'pg_proc'::regclass, u.oid, NULL FROM pg_range r CROSS JOIN unnest(ARRAY[r.rngcanonical::oid, r.rngsubdiff::oid]) u (oid) WHERE r.rngtypid = t.oid
            UNION ALL
            SELECT 'pg_type'::regclass, r.rngsubtype, NULL FROM pg_range r WHERE r.rngtypid = t.oid
            UNION ALL
            SELECT 'pg_opclass'::regclass, r.rngsubopc, NULL FROM pg_range r WHERE r.rngtypid = t.oid
            UNION ALL
            SELECT 'pg_proc'::regclass, c.castfunc, NULL FROM pg_cast c WHERE t.oid IN (c.castsource, c.casttarget)
            UNION ALL
            SELECT 'pg_proc'::regclass, u.oid, NULL FROM unnest(ARRAY[t.typinput::oid, t.typoutput::oid, t.typsend::oid, t.typreceive::oid]) u (oid)
        ) x
        WHERE n.class = 'pg_type'::regclass AND t.oid = n.object AND t.oid >= 16384
    ) r
    WHERE r.object <> 0
), called AS (
    SELECT DISTINCT n.relation, n.owner, n.top, n.topmost, p.oid, p.proowner,
           CASE WHEN p.oid < 16384 AND NOT has_function_privilege(n.owner, p.oid, 'EXECUTE') THEN 'its own owner may not execute it'
                WHEN n.top = 'pg_type'::regclass AND p.oid < 16384 THEN ''
                WHEN p.prorettype = 'trigger'::regtype AND (p.oid < 16384 OR p.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'c')) THEN ''
                WHEN p.oid < 16384 AND p.provolatile = 'v'
                     AND p.proname NOT IN ('random', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7') THEN 'it may do something, or execute a text'
                WHEN p.oid < 16384 AND (p.proname ~ '_to_xml|_to_xmlschema' OR p.proname IN ('ts_rewrite', 'ts_stat', 'pg_input_is_valid', 'pg_input_error_info'))
                     AND p.pronamespace = 'pg_catalog'::regnamespace THEN 'it may execute a text'
                WHEN p.oid >= 16384 AND p.provolatile <> 'i' AND p.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'internal')
                     THEN 'it is not immutable: it may do something, or execute a text'
                ELSE '' END AS fault
    FROM node n JOIN pg_proc p ON p.oid = n.object
    WHERE n.class = 'pg_proc'::regclass
)
SELECT c.relation::int8                                        AS relation,
       pg_describe_object(c.top, c.topmost, 0)                 AS place,
       pg_describe_object('pg_proc'::regclass, c.oid, 0)       AS runs,
       pg_get_userbyid(c.proowner)                             AS owner,
       pg_has_role(c.proowner, current_user,
           CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS becomes,
       c.fault
FROM called c
WHERE c.oid >= 16384 OR c.fault <> ''
ORDER BY c.relation, 2, 3
