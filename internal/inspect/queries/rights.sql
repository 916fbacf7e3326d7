-- Returns, for the tables $1, the rights that a foreign key and a trigger function need, and whether logical replication
-- writes the table. "owner_creates" is about the schema $2, or the table's own if $2 is empty.
SELECT c.oid::int8                                             AS relation,
       has_table_privilege(c.oid, 'REFERENCES')                AS may_reference,
       coalesce(r.rolsuper OR r.rolbypassrls, false)           AS owner_bypasses_rls,
       has_schema_privilege(c.relowner, coalesce((SELECT n.oid FROM pg_namespace n WHERE n.nspname = $2), c.relnamespace), 'CREATE') AS owner_creates,
       EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = c.oid) AS subscribed
FROM pg_class c
LEFT JOIN pg_roles r ON r.oid = c.relowner
WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p')
