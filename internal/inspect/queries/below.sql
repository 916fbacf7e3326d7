-- Returns the tables below the tables $1 by partitioning or inheritance, on every level, parents first. It excludes a
-- partition that is being detached concurrently (PostgreSQL 14 and later).
WITH RECURSIVE below (root, relation, above, level) AS (
    SELECT i.inhparent, i.inhrelid, i.inhparent, 1
    FROM pg_inherits i
    WHERE i.inhparent = ANY ($1::oid[]) AND NOT coalesce((to_jsonb(i) ->> 'inhdetachpending')::bool, false)
    UNION ALL
    SELECT b.root, i.inhrelid, i.inhparent, b.level + 1
    FROM below b
    JOIN pg_inherits i ON i.inhparent = b.relation
    WHERE NOT coalesce((to_jsonb(i) ->> 'inhdetachpending')::bool, false)
), once AS (
    SELECT DISTINCT ON (b.root, b.relation) b.* FROM below b ORDER BY b.root, b.relation, b.level, b.above
)
SELECT o.root::int8     AS root,
       o.relation::int8 AS relation,
       o.above::int8    AS above
FROM once o
JOIN pg_class c ON c.oid = o.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY o.root, o.level, n.nspname, c.relname
