-- Returns the schemas $1 and the current role's rights in them.
SELECT n.nspname AS name,
       has_schema_privilege(n.oid, 'USAGE') AS usage,
       has_schema_privilege(n.oid, 'CREATE') AS "create"
FROM pg_namespace n
WHERE n.nspname = ANY ($1::text[])
