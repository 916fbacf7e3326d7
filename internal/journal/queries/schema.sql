-- The schema rekey as this role finds it: one row, also where there is no such schema.
SELECT current_user::text,
       current_database()::text,
       has_database_privilege(current_database(), 'CREATE'),
       n.oid IS NOT NULL,
       coalesce(pg_get_userbyid(n.nspowner)::text, ''),
       coalesce(has_schema_privilege(n.oid, 'USAGE'), false),
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false)
FROM (VALUES ('rekey'::name)) AS wanted (name)
LEFT JOIN pg_namespace AS n ON n.nspname = wanted.name;
