-- Returns the indexes of the tables $1. "columns" has an empty name for an expression. "comment" is read here only if it is a mark.
SELECT i.indrelid::int8                                        AS relation,
       i.indexrelid::int8                                      AS oid,
       c.relname                                               AS name,
       ARRAY (SELECT coalesce(a.attname::text, '')
              FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
              LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
              WHERE k.n <= i.indnkeyatts ORDER BY k.n)         AS columns,
       ARRAY (SELECT a.attname::text
              FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
              WHERE k.n > i.indnkeyatts ORDER BY k.n)          AS included,
       i.indisunique                                           AS "unique",
       i.indimmediate                                          AS immediate,
       i.indisprimary                                          AS "primary",
       i.indisvalid                                            AS valid,
       i.indisready                                            AS ready,
       m.amname                                                AS method,
       coalesce(pg_get_expr(i.indpred, i.indrelid), '')        AS predicate,
       pg_get_indexdef(i.indexrelid)                           AS definition,
       coalesce((SELECT k.conname FROM pg_constraint k WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')), '') AS "constraint",
       i.indisreplident                                        AS replica_identity,
       i.indisclustered                                        AS clustered,
       coalesce((SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = i.indexrelid), 0)::int8 AS parent,
       CASE WHEN c.reltablespace = 0 THEN '' ELSE (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace) END AS tablespace,
       CASE WHEN current_setting('default_tablespace') <> '' THEN
           (SELECT s.spcname::text FROM pg_database d JOIN pg_tablespace s ON s.oid = d.dattablespace WHERE d.datname = current_database())
           ELSE '' END                                         AS home,
       (SELECT d.description FROM pg_description d WHERE d.objoid = i.indexrelid AND d.classoid = 'pg_class'::regclass
          AND d.objsubid = 0 AND d.description LIKE '[rekey%')  AS comment
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
WHERE i.indrelid = ANY ($1::oid[])
ORDER BY i.indrelid, c.relname
