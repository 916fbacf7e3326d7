-- Returns one row that describes the schema rekey and the role's rights, even if the schema does not exist.
SELECT current_user::text,
       current_database()::text,
       has_database_privilege(current_database(), 'CREATE'),
       n.oid IS NOT NULL,
       coalesce(pg_get_userbyid(n.nspowner)::text, ''),
       coalesce(has_schema_privilege(n.oid, 'USAGE'), false),
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false)
FROM (VALUES ('rekey'::name)) AS wanted (name)
LEFT JOIN pg_namespace AS n ON n.nspname = wanted.name;
