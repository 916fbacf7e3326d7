-- Returns the relations that have the names of the journal's tables, and the role's rights on them.
SELECT c.relname::text,
       c.relkind = 'r',
       coalesce(has_table_privilege(c.oid, 'SELECT'), false),
       coalesce(has_table_privilege(c.oid, 'SELECT')
            AND has_table_privilege(c.oid, 'INSERT')
            AND has_table_privilege(c.oid, 'UPDATE')
            AND has_table_privilege(c.oid, 'DELETE'), false),
       pg_has_role(c.relowner, 'USAGE'),
       pg_get_userbyid(c.relowner)::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'rekey'
  AND c.relname = ANY ($1::text[]);
