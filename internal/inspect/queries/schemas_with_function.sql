-- Returns the schemas in $2 that have a function $1 without arguments. The subquery uses the index on the full name,
-- since many schemas may have a function of that name.
SELECT n.nspname::text
FROM pg_namespace n
CROSS JOIN LATERAL (
    SELECT FROM pg_proc p WHERE p.proname = $1 AND p.proargtypes = ''::oidvector AND p.pronamespace = n.oid OFFSET 0) p
WHERE n.nspname = ANY ($2::text[])
