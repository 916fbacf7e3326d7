-- Returns the tables $1 and all tables below them, by their present names.
WITH RECURSIVE tree (relation) AS (
    SELECT u.oid FROM unnest($1::oid[]) AS u (oid)
    UNION
    SELECT h.inhrelid FROM tree t JOIN pg_inherits h ON h.inhparent = t.relation
)
SELECT c.oid::int8 AS relation, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind
FROM tree t JOIN pg_class c ON c.oid = t.relation JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY c.oid
