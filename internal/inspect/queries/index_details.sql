-- Returns, of the indexes of the tables $1 that have one, the comment, the columns that expressions and predicate use, and, of
-- unique ones, what a rebuilt index must have too. A column of the key that the predicate uses too is among them. Version 17
-- has NULL for the default statistics target.
SELECT i.indrelid::int8                                        AS relation,
       i.indexrelid::int8                                      AS index,
       m.description                                           AS comment,
       ARRAY (SELECT DISTINCT a.attname::text FROM pg_depend d
              JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
                AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
              ORDER BY 1)                                      AS uses,
       (SELECT x.description FROM pg_description x
        WHERE x.objoid = k.oid AND x.classoid = 'pg_constraint'::regclass) AS constraint_comment,
       t.targets                                               AS statistics,
       ARRAY (SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend d
              WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indexrelid
                     OR d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid)
                AND d.deptype IN ('n', 'a') AND i.indisunique
              UNION SELECT pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.deptype = 'x'
              ORDER BY 1)                                      AS users,
       ARRAY (SELECT DISTINCT CASE WHEN w.ev_class IS NULL OR w.rulename <> '_RETURN' THEN pg_describe_object(d.classid, d.objid, d.objsubid)
                              ELSE pg_describe_object('pg_class'::regclass, w.ev_class, 0) END
              FROM pg_depend d LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
              WHERE d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid AND d.deptype = 'n' AND d.classid <> 'pg_constraint'::regclass
              ORDER BY 1)                                      AS dependents
FROM pg_index i
LEFT JOIN pg_constraint k ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_description m ON m.objoid = i.indexrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0
LEFT JOIN LATERAL (SELECT array_agg(coalesce(a.attstattarget, -1)::int4 ORDER BY a.attnum) AS targets
                   FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND i.indexprs IS NOT NULL
                   HAVING max(a.attstattarget) >= 0) t ON true
WHERE i.indrelid = ANY ($1::oid[]) AND (i.indisunique OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR m.description IS NOT NULL)
ORDER BY i.indrelid, i.indexrelid
