-- Returns the functions without arguments that have the schemas and names $1 and $2, which are pairs. "used" is a table whose
-- trigger calls the function; "" if none does.
SELECT n.nspname                                               AS schema,
       p.proname                                               AS name,
       pg_get_userbyid(p.proowner)                             AS owner,
       r.rolsuper                                              AS superuser,
       p.prorettype = 'trigger'::regtype                       AS trigger,
       coalesce(obj_description(p.oid, 'pg_proc'), '')         AS comment,
       coalesce((SELECT min(t.tgrelid::regclass::text) FROM pg_trigger t WHERE t.tgfoid = p.oid), '') AS used
FROM unnest($1::text[], $2::text[]) q (schema, name)
JOIN pg_namespace n ON n.nspname = q.schema
JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = q.name AND p.pronargs = 0
JOIN pg_roles r ON r.oid = p.proowner
ORDER BY 1, 2
