-- Returns the journal's schema and the current role's rights in it; no row if the schema does not exist.
SELECT pg_get_userbyid(n.nspowner)                 AS owner,
       has_schema_privilege(n.oid, 'USAGE')        AS usage,
       has_schema_privilege(n.oid, 'CREATE')       AS "create",
       count(c.oid) > 0                            AS tables,
       coalesce(bool_and(has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                     AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')), true) AS write
FROM pg_namespace n
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' -- by name: the database may have hundreds of thousands of relations
      AND c.relname IN ('format', 'runs', 'leases', 'cursors', 'kept', 'orders', 'moments', 'standstills', 'probe', 'events')
WHERE n.nspname = 'rekey'
GROUP BY n.oid, n.nspname, n.nspowner
