-- Returns the objects that use a sequence which a column of the tables $1 owns, other than the default of that column,
-- also in partitions.
SELECT c.relname                                               AS sequence,
       CASE WHEN d.classid = 'pg_attrdef'::regclass
            THEN (SELECT 'the default of column ' || a.attname || ' of ' || e.adrelid::regclass::text
                  FROM pg_attrdef e JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum WHERE e.oid = d.objid)
            ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END AS "user"
FROM pg_depend o
JOIN pg_class c ON c.oid = o.objid AND c.relkind = 'S'
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'n'
WHERE o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass AND o.refobjid = ANY ($1::oid[]) AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')
  AND NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (SELECT FROM pg_attrdef e WHERE e.oid = d.objid AND (e.adrelid = o.refobjid AND e.adnum = o.refobjsubid
           OR EXISTS (SELECT FROM pg_attribute a, pg_attribute p WHERE p.attrelid = o.refobjid AND p.attnum = o.refobjsubid AND a.attrelid = e.adrelid AND a.attnum = e.adnum
               AND a.attname = p.attname AND e.adrelid IN (SELECT relid FROM pg_partition_tree(o.refobjid))))))
ORDER BY 1, 2
