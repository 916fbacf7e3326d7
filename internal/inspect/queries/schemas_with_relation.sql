-- Returns the schemas that have a relation with one of the names $1.
SELECT c.relname                                               AS name,
       n.nspname                                               AS schema
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = ANY ($1::name[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY 1, 2
