-- Returns the names and kinds of all relations of the schemas $1.
SELECT n.nspname      AS schema,
       c.relname      AS name,
       c.relkind::text AS kind,
       coalesce((SELECT t.relname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE i.indexrelid = c.oid), '') AS index_of
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1::text[])
ORDER BY 1, 2
