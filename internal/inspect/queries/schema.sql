-- Returns the schemas $1 and the current role's rights in them, and whether the database has Citus.
SELECT n.nspname AS name,
       has_schema_privilege(n.oid, 'USAGE') AS usage,
       has_schema_privilege(n.oid, 'CREATE') AS "create",
       to_regclass('pg_dist_partition') IS NOT NULL AS cluster
FROM pg_namespace n
WHERE n.nspname = ANY ($1::text[])
