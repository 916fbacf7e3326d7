-- Those of the schemas $2 that have a function $1 without arguments.
SELECT n.nspname::text
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = $1 AND p.pronargs = 0 AND n.nspname = ANY ($2::text[])
