-- Returns the schemas of the application, except $1.
SELECT n.nspname::text
FROM pg_namespace n
WHERE n.nspname <> $1 AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'rekey')
ORDER BY n.nspname
