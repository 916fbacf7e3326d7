-- Returns the function uuid_generate_v7() of schema $1 and the journal's schema, if they exist.
SELECT format('function %s %s owner %s acl %s', p.oid::regprocedure, md5(pg_get_functiondef(p.oid)), pg_get_userbyid(p.proowner), p.proacl)
FROM pg_proc p
WHERE p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = $1) AND p.proname = 'uuid_generate_v7' AND p.pronargs = 0
UNION ALL
SELECT 'schema rekey' FROM pg_namespace n WHERE n.nspname = 'rekey'
ORDER BY 1
