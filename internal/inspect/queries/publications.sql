-- Returns the publications of the tables $1. "columns" is NULL without a column list, which 13 and 14 do not have; to_jsonb
-- makes the query valid on every version.
SELECT c.oid::int8                                             AS relation,
       p.pubname                                               AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_attribute a
        WHERE a.attrelid = c.oid
          AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)) AS columns,
       p.pubupdate                                             AS of_updates,
       p.puballtables                                          AS all_tables
FROM pg_publication_tables t
JOIN pg_publication p ON p.pubname = t.pubname
JOIN pg_namespace n ON n.nspname = t.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
WHERE c.oid = ANY ($1::oid[])
ORDER BY c.oid, p.pubname
