-- The live columns of the relations $1. "default" is read of uuid columns and of those of a domain alone: to write the
-- defaults of all columns as text takes longer than everything else here. "calls" is the function that a default is a
-- bare call of. The core's own functions leave no dependency; under search_path pg_catalog only theirs has no schema.
-- From 18 on a NOT NULL may be NOT VALID: "unproved", rows without a value may be there.
SELECT a.attrelid::int8                                        AS relation,
       a.attnum::int                                           AS number,
       a.attname                                               AS name,
       format_type(a.atttypid, a.atttypmod)                    AS type,
       a.attnotnull AND NOT u.unproved                         AS not_null,
       u.unproved                                              AS unproved,
       coalesce(e.text, '')                                    AS "default",
       coalesce((SELECT '"' || replace(n.nspname, '"', '""') || '"."' || replace(p.proname, '"', '""') || '"'
                 FROM pg_depend u
                 JOIN pg_proc p ON p.oid = u.refobjid
                 JOIN pg_namespace n ON n.oid = p.pronamespace
                 WHERE u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid AND u.refclassid = 'pg_proc'::regclass
                   AND e.text = format('%I.%I()', n.nspname, p.proname)),
                CASE e.text WHEN 'gen_random_uuid()' THEN '"pg_catalog"."gen_random_uuid"' END, '') AS calls,
       a.attgenerated <> ''                                    AS generated,
       a.attidentity::text                                     AS identity,
       (SELECT m.description FROM pg_description m
        WHERE m.objoid = a.attrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum) AS comment,
       CASE WHEN a.attacl IS NOT NULL THEN
           ARRAY (SELECT DISTINCT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
                  FROM aclexplode(a.attacl) g ORDER BY 1) END      AS grantees
FROM pg_attribute a
LEFT JOIN LATERAL (
    SELECT d.oid, d.adbin, d.adrelid
    FROM pg_attrdef d
    WHERE a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
      AND (a.atttypid = 'uuid'::regtype OR (SELECT t.typtype FROM pg_type t WHERE t.oid = a.atttypid) = 'd') OFFSET 0) d ON true
CROSS JOIN LATERAL (SELECT pg_get_expr(d.adbin, d.adrelid) AS text OFFSET 0) e
CROSS JOIN LATERAL (
    SELECT a.attnotnull AND coalesce((SELECT bool_or(NOT k.convalidated) FROM pg_constraint k
                                      WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]), false) AS unproved OFFSET 0) u
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
