-- Returns the code that statements on the tables $1 would run with this session's rights and that a role with fewer
-- rights can change: functions of such a role, and expressions of such a role that call another role's function
-- with these rights. "fault" says why that function must not be called: it executes a text, or has side effects.
-- Reading a table runs code too: the planner evaluates constant parts of its indexes and statistics, and ALTER
-- TABLE constant parts of its checks. If $2 is true, an UPDATE fires only triggers that are enabled ALWAYS or for REPLICA;
-- $3 are the columns that it sets. pg_depend records which functions an object calls, except for PostgreSQL's own;
-- the expression trees contain those.
WITH RECURSIVE me AS (
    SELECT r.oid FROM pg_roles r WHERE r.rolname IN (current_user, session_user)
), owners AS (
    SELECT c.relowner AS oid FROM pg_class c WHERE c.oid = ANY ($1::oid[])
    UNION SELECT p.proowner FROM pg_proc p
    UNION SELECT t.typowner FROM pg_type t WHERE t.typtype = 'd'
), lesser AS MATERIALIZED (
    SELECT r.oid, r.rolname::text AS name
    FROM owners JOIN pg_roles r ON r.oid = owners.oid
    WHERE NOT r.rolsuper AND EXISTS (
        SELECT FROM me
        WHERE NOT pg_has_role(r.oid, me.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END))
), above AS (
    SELECT c.oid AS relation, c.oid AS up FROM pg_class c WHERE c.oid = ANY ($1::oid[])
    UNION
    SELECT a.relation, h.inhparent FROM above a JOIN pg_inherits h ON h.inhrelid = a.up
), root AS (
    SELECT k.conrelid AS relation, k.conrelid AS written, 'pg_constraint'::regclass::oid AS place, k.oid AS placed, 0 AS part, 'pg_constraint'::regclass::oid AS class, k.oid AS object,
           k.conbin::text AS tree
    FROM pg_constraint k WHERE k.conrelid = ANY ($1::oid[]) AND k.contype IN ('c', 'x', 'f')
    UNION ALL
    SELECT i.indrelid, i.indrelid, 'pg_class'::regclass, i.indexrelid, 0, 'pg_class'::regclass, i.indexrelid, concat_ws(' ', i.indexprs::text, i.indpred::text)
    FROM pg_index i WHERE i.indrelid = ANY ($1::oid[])
    UNION ALL -- the planner evaluates constant parts of statistics on expressions, which 13 does not have
    SELECT s.stxrelid, s.stxrelid, 'pg_statistic_ext'::regclass, s.oid, 0, 'pg_statistic_ext'::regclass, s.oid, to_jsonb(s) ->> 'stxexprs'
    FROM pg_statistic_ext s WHERE s.stxrelid = ANY ($1::oid[])
    UNION ALL
    SELECT a.attrelid, a.attrelid, 'pg_class'::regclass, a.attrelid, a.attnum, 'pg_attrdef'::regclass, d.oid, d.adbin::text
    FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ANY ($1::oid[]) AND a.attgenerated <> ''
    UNION ALL -- 13 and 14 record the functions of a generated column for the column
    SELECT a.attrelid, a.attrelid, 'pg_class'::regclass, a.attrelid, a.attnum, d.refclassid, d.refobjid, NULL
    FROM pg_attribute a JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = a.attrelid AND d.objsubid = a.attnum
    WHERE a.attrelid = ANY ($1::oid[]) AND a.attgenerated <> ''
    UNION ALL
    SELECT above.relation, above.up, 'pg_class'::regclass, p.partrelid, 0, 'pg_class'::regclass, p.partrelid, p.partexprs::text
    FROM above JOIN pg_partitioned_table p ON p.partrelid = above.up
    UNION ALL
    SELECT a.attrelid, a.attrelid, 'pg_class'::regclass, a.attrelid, a.attnum, 'pg_type'::regclass, a.atttypid, NULL
    FROM pg_attribute a WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
    UNION ALL -- 13 and 14 mark a partition's copy of its partitioned table's trigger as internal
    SELECT t.tgrelid, t.tgrelid, 'pg_trigger'::regclass, t.oid, 0, 'pg_trigger'::regclass, t.oid, t.tgqual::text
    FROM pg_trigger t
    WHERE t.tgrelid = ANY ($1::oid[]) AND t.tgtype & 16 <> 0 AND t.tgenabled IN ('A', CASE WHEN $2::bool THEN 'R'::"char" ELSE 'O' END)
      AND (NOT t.tgisinternal OR t.tgparentid <> 0 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype = 'f'))
      AND (cardinality(t.tgattr::int2[]) = 0 OR EXISTS (
          SELECT FROM pg_attribute a
          WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr) AND (a.attgenerated <> '' OR a.attname::text = ANY ($3::text[]))))
), reach AS (
    SELECT root.relation, root.place, root.placed, root.part, root.class, root.object FROM root
    UNION
    SELECT r.relation, r.place, r.placed, r.part, e.class, e.object
    FROM reach r CROSS JOIN LATERAL (
        SELECT d.refclassid AS class, d.refobjid AS object
        FROM pg_depend d
        WHERE d.classid = r.class AND d.objid = r.object AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass,
            'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_am'::regclass, 'pg_language'::regclass)
          AND (r.class <> 'pg_class'::regclass OR d.objsubid = 0 OR d.refclassid = 'pg_type'::regclass)
        UNION ALL
        SELECT x.class, x.object
        FROM pg_type t CROSS JOIN LATERAL (
            SELECT 'pg_type'::regclass::oid AS class, u.object FROM unnest(ARRAY[t.typelem, t.typbasetype]) AS u (object) WHERE u.object <> 0
            UNION ALL SELECT 'pg_class'::regclass, t.typrelid WHERE t.typrelid <> 0
            UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k WHERE k.contypid = t.oid
            UNION ALL -- used for any value of the type: its sort order and its conversion to JSON
            SELECT 'pg_opclass'::regclass, o.oid FROM pg_opclass o WHERE o.opcintype = t.oid AND o.opcdefault
            UNION ALL SELECT 'pg_proc'::regclass, c.castfunc FROM pg_cast c WHERE c.castsource = t.oid AND c.castfunc <> 0
            UNION ALL
            SELECT v.class, v.object FROM pg_range g CROSS JOIN LATERAL (VALUES ('pg_type'::regclass::oid, g.rngsubtype), ('pg_opclass'::regclass, g.rngsubopc),
                ('pg_proc'::regclass, g.rngcanonical::oid), ('pg_proc'::regclass, g.rngsubdiff::oid)) AS v (class, object)
            WHERE g.rngtypid = t.oid AND v.object <> 0
        ) x
        WHERE r.class = 'pg_type'::regclass AND t.oid = r.object AND t.oid >= 16384
        UNION ALL
        SELECT 'pg_opfamily'::regclass, o.opcfamily FROM pg_opclass o WHERE r.class = 'pg_opclass'::regclass AND o.oid = r.object
        UNION ALL
        SELECT 'pg_proc'::regclass, p.amproc::oid FROM pg_amproc p WHERE r.class = 'pg_opfamily'::regclass AND p.amprocfamily = r.object
        UNION ALL
        SELECT 'pg_operator'::regclass, p.amopopr FROM pg_amop p WHERE r.class = 'pg_opfamily'::regclass AND p.amopfamily = r.object
        UNION ALL
        SELECT 'pg_proc'::regclass, v.object
        FROM pg_operator o CROSS JOIN LATERAL unnest(ARRAY[o.oprcode::oid, o.oprrest::oid, o.oprjoin::oid]) AS v (object)
        WHERE r.class = 'pg_operator'::regclass AND o.oid = r.object AND v.object <> 0
        UNION ALL
        SELECT 'pg_operator'::regclass, unnest(k.conexclop || k.conpfeqop || k.conppeqop || k.conffeqop)
        FROM pg_constraint k WHERE r.class = 'pg_constraint'::regclass AND k.oid = r.object
    ) e
), expression AS (
    SELECT root.relation, root.place, root.placed, root.part, c.relowner AS holder, root.tree
    FROM root JOIN pg_class c ON c.oid = root.written WHERE root.tree <> ''
    UNION ALL
    SELECT r.relation, r.place, r.placed, r.part, t.typowner, k.conbin::text
    FROM reach r JOIN pg_constraint k ON k.oid = r.object JOIN pg_type t ON t.oid = k.contypid
    WHERE r.class = 'pg_constraint'::regclass
), called AS (
    SELECT DISTINCT e.relation, e.place, e.placed, e.part, lesser.name AS holder, lesser.oid AS writer, m.match[1]::oid AS function
    FROM expression e JOIN lesser ON lesser.oid = e.holder
    CROSS JOIN LATERAL regexp_matches(e.tree, ':(?:funcid|opfuncid|hashfuncid|negfuncid|elemfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS m (match)
), found AS (
    SELECT DISTINCT r.relation, r.place, r.placed, r.part, p.oid, p.proowner, lesser.name AS holder, '' AS fault
    FROM reach r JOIN pg_proc p ON p.oid = r.object JOIN lesser ON lesser.oid = p.proowner
    WHERE r.class = 'pg_proc'::regclass
    UNION ALL
    SELECT c.relation, c.place, c.placed, c.part, p.oid, p.proowner, c.holder, f.fault
    FROM called c JOIN pg_proc p ON p.oid = c.function
    CROSS JOIN LATERAL (SELECT CASE
        WHEN NOT has_function_privilege(c.writer, p.oid, 'EXECUTE') THEN 'its own owner may not execute it'
        -- the argument may name a type, whose checks it would run
        WHEN p.oid < 16384 AND 'cstring'::regtype = ANY (p.proargtypes::oid[]) THEN 'it may run the checks of a type'
        WHEN p.oid < 16384 AND (p.proname ~ '_to_xml' OR p.proname IN ('ts_rewrite', 'ts_stat', 'pg_input_is_valid', 'pg_input_error_info'))
            THEN 'it may execute a text'
        WHEN p.oid < 16384 AND p.provolatile = 'v'
             AND p.proname NOT IN ('random', 'random_normal', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7')
            THEN 'it may have side effects or execute a text'
        WHEN p.oid >= 16384 AND p.provolatile <> 'i' AND p.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'internal')
            THEN 'it is not immutable: it may have side effects or execute a text'
        ELSE '' END AS fault) f
    WHERE f.fault <> '' AND NOT EXISTS (SELECT FROM lesser l WHERE l.oid = p.proowner)
)
SELECT f.relation::int8                                      AS relation,
       pg_describe_object(f.place, f.placed, f.part)         AS place,
       pg_describe_object('pg_proc'::regclass, f.oid, 0)     AS runs,
       pg_get_userbyid(f.proowner)::text                     AS owner,
       f.fault <> ''                                         AS becomes,
       f.holder,
       f.fault,
       f.place = 'pg_trigger'::regclass                      AS fires
FROM found f
UNION ALL -- a rule can run any statement
SELECT r.ev_class::int8, pg_describe_object('pg_class'::regclass, r.ev_class, 0), pg_describe_object('pg_rewrite'::regclass, r.oid, 0),
       lesser.name, false, lesser.name, '', true
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN lesser ON lesser.oid = c.relowner
WHERE r.ev_class = ANY ($1::oid[]) AND r.ev_type = '2' AND r.ev_enabled IN ('A', CASE WHEN $2::bool THEN 'R'::"char" ELSE 'O' END)
ORDER BY 1, 2, 3, 7
