-- Returns, of the indexes of the tables $1 that have one, the comment, and the columns that expressions and predicate use. A
-- column of the key that the predicate uses too is among them.
SELECT i.indrelid::int8                                        AS relation,
       i.indexrelid::int8                                      AS index,
       m.description                                           AS comment,
       ARRAY (SELECT DISTINCT a.attname::text FROM pg_depend d
              JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
                AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
              ORDER BY 1)                                      AS uses
FROM pg_index i
LEFT JOIN pg_description m ON m.objoid = i.indexrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0
WHERE i.indrelid = ANY ($1::oid[]) AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR m.description IS NOT NULL)
ORDER BY i.indrelid, i.indexrelid
