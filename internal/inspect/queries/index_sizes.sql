-- Returns the sizes of the indexes of the tables $1.
SELECT i.indrelid::int8                AS relation,
       i.indexrelid::int8              AS oid,
       pg_relation_size(i.indexrelid)  AS bytes,
       c.reltuples::float8             AS tuples
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY ($1::oid[]) AND c.relkind = 'i'
ORDER BY i.indrelid, c.relname
