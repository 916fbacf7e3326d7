-- Returns the schemas that have a table $1.
SELECT n.nspname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $1 AND c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_temp%'
ORDER BY n.nspname
