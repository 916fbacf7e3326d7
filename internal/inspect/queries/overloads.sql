-- Returns the functions $1 of the schemas $2 whose arguments all have a default.
SELECT n.nspname::text                  AS schema,
       p.oid::regprocedure::text        AS function
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = $1 AND p.pronargs > 0 AND p.pronargs = p.pronargdefaults AND n.nspname = ANY ($2::text[])
ORDER BY 1, 2
