-- Returns the descendants of table $1 (partitions, inheritance children), except for partitions that are being
-- detached.
WITH RECURSIVE below (relation) AS (
    SELECT i.inhrelid FROM pg_inherits i
    WHERE i.inhparent = $1::oid AND NOT coalesce((to_jsonb(i) ->> 'inhdetachpending')::bool, false)
    UNION
    SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.relation
    WHERE NOT coalesce((to_jsonb(i) ->> 'inhdetachpending')::bool, false)
)
SELECT coalesce(array_agg(b.relation::int8 ORDER BY b.relation), '{}') FROM below b
