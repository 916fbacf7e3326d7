-- Those of the schemas $2 that have a function $1 without arguments. Each is looked up by the whole of its name: many
-- schemas may have one of the same.
SELECT n.nspname::text
FROM pg_namespace n
CROSS JOIN LATERAL (
    SELECT FROM pg_proc p WHERE p.proname = $1 AND p.proargtypes = ''::oidvector AND p.pronamespace = n.oid OFFSET 0) p
WHERE n.nspname = ANY ($2::text[])
