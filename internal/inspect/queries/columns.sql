-- Returns the live columns of the relations $1.
-- "default" is set only for a column of type uuid or of a domain: to print the defaults of all columns takes longer than
-- the rest of the query.
-- "calls" is the function if the default only calls it. Built-in functions have no dependency; with search_path pg_catalog,
-- only their names have no schema.
-- "unproved" is a NOT NULL NOT VALID of PostgreSQL 18: rows without a value may exist.
-- "base" is the base type of a domain, also of a domain over a domain.
-- "length" and "alignment" are in bytes; a varying length is -1.
-- "defaults_to_now" is a NOT NULL time whose default is the time of the INSERT.
-- "code_runs", "code_owners" and "code_becomes" are the functions on which a default depends, directly or by an operator
-- or a cast, and their owners. Built-in functions have no dependency.
SELECT a.attrelid::int8                                        AS relation,
       a.attnum::int                                           AS number,
       a.attname                                               AS name,
       format_type(a.atttypid, a.atttypmod)                    AS type,
       CASE WHEN y.typtype = 'd' THEN (
           WITH RECURSIVE based (kind, modifier) AS (
               SELECT y.typbasetype, y.typtypmod
               UNION ALL
               SELECT b.typbasetype, b.typtypmod FROM based JOIN pg_type b ON b.oid = based.kind AND b.typtype = 'd')
           SELECT format_type(k.kind, k.modifier) FROM based k JOIN pg_type b ON b.oid = k.kind WHERE b.typtype <> 'd')
       ELSE '' END                                             AS base,
       a.attlen::int                                           AS length,
       CASE a.attalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END AS alignment,
       d.oid IS NOT NULL AND a.attlen IN (4, 8) AND a.attnotnull
           AND CASE WHEN a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
                    THEN pg_get_expr(d.adbin, d.adrelid) ~ ('^\(?(timezone\(''[^'']*''::text, )?'
                         || '((now|(clock|transaction|statement)_timestamp)\(\)|CURRENT_(TIMESTAMP|DATE)|LOCALTIMESTAMP)'
                         || '(\([0-6]\))?\)?( AT TIME ZONE ''[^'']*''::text)?\)?(::[a-z0-6() ]+)?$')
                    ELSE false END                             AS defaults_to_now,
       a.attnotnull AND k.oid IS NULL                          AS not_null,
       k.oid IS NOT NULL                                       AS unproved,
       coalesce(k.conname, '')                                 AS unproved_by,
       coalesce(e.text, '')                                    AS "default",
       coalesce((SELECT '"' || replace(n.nspname, '"', '""') || '"."' || replace(p.proname, '"', '""') || '"'
                 FROM pg_depend u
                 JOIN pg_proc p ON p.oid = u.refobjid
                 JOIN pg_namespace n ON n.oid = p.pronamespace
                 WHERE u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid AND u.refclassid = 'pg_proc'::regclass
                   AND e.text = format('%I.%I()', n.nspname, p.proname)),
                CASE e.text WHEN 'gen_random_uuid()' THEN '"pg_catalog"."gen_random_uuid"' END, '') AS calls,
       coalesce(w.runs, '{}')                                  AS code_runs,
       coalesce(w.owners, '{}')                                AS code_owners,
       coalesce(w.becomes, '{}')                               AS code_becomes,
       a.attgenerated <> ''                                    AS generated,
       a.attidentity::text                                     AS identity,
       (SELECT m.description FROM pg_description m
        WHERE m.objoid = a.attrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum) AS comment,
       CASE WHEN a.attacl IS NOT NULL THEN
           ARRAY (SELECT DISTINCT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
                  FROM aclexplode(a.attacl) g ORDER BY 1) END      AS grantees
FROM pg_attribute a
JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN LATERAL (
    SELECT d.oid, d.adbin, d.adrelid FROM pg_attrdef d
    WHERE a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum OFFSET 0) d ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.atttypid = 'uuid'::regtype OR y.typtype = 'd' THEN pg_get_expr(d.adbin, d.adrelid) END AS text OFFSET 0) e
LEFT JOIN LATERAL (
    SELECT array_agg(pg_describe_object('pg_proc'::regclass, p.oid, 0) ORDER BY p.oid) AS runs,
           array_agg(pg_get_userbyid(p.proowner)::text ORDER BY p.oid) AS owners,
           array_agg(pg_has_role(p.proowner, current_user, k.kind) AND pg_has_role(p.proowner, session_user, k.kind) ORDER BY p.oid) AS becomes
    FROM (SELECT DISTINCT CASE u.refclassid
                 WHEN 'pg_proc'::regclass THEN u.refobjid
                 WHEN 'pg_operator'::regclass THEN (SELECT o.oprcode::oid FROM pg_operator o WHERE o.oid = u.refobjid)
                 WHEN 'pg_cast'::regclass THEN (SELECT x.castfunc FROM pg_cast x WHERE x.oid = u.refobjid) END AS oid
          FROM pg_depend u WHERE u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid OFFSET 0) f
    JOIN pg_proc p ON p.oid = f.oid
    CROSS JOIN (SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) k (kind)
    WHERE e.text IS NOT NULL OFFSET 0) w ON true
LEFT JOIN LATERAL (
    SELECT k.oid, k.conname FROM pg_constraint k
    WHERE a.attnotnull AND current_setting('server_version_num')::int >= 180000
      AND k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated OFFSET 0) k ON true -- one at most
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
