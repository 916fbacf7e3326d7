-- Returns the sizes of the shards on one node, added up by table, as JSON. Their quoted names are in the array in braces. It runs on every
-- node with the role's own search_path. Rows are estimated as for an ordinary table.
SELECT coalesce(pg_catalog.json_agg(t), '[]')::text
FROM (
    SELECT u.name AS "table",
           pg_catalog.sum(z.pages)::int8 AS pages,
           pg_catalog.sum(z.bytes)::int8 AS bytes,
           pg_catalog.sum(CASE WHEN z.known > 0 AND z.tuples >= 0 THEN z.tuples * z.pages / z.known ELSE z.pages * 100 END)::float8 AS "rows"
    FROM pg_catalog.unnest(ARRAY[{tables}]::text[]) u (name)
    JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(u.name)
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_dist_shard s ON s.logicalrelid::oid = c.oid
    JOIN pg_catalog.pg_dist_placement p ON p.shardid = s.shardid
    JOIN pg_catalog.pg_dist_local_group g ON g.groupid = p.groupid
    -- shard_name omits the schema "public"
    JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(n.nspname) || '.'
        || pg_catalog.regexp_replace(pg_catalog.shard_name(s.logicalrelid, s.shardid), '^' || pg_catalog.quote_ident(n.nspname) || '\.', ''))
    CROSS JOIN LATERAL (
        SELECT pg_catalog.pg_relation_size(r.oid) / pg_catalog.current_setting('block_size')::int8 AS pages,
               pg_catalog.pg_relation_size(r.oid)
               + CASE WHEN r.reltoastrelid = 0 THEN 0 ELSE pg_catalog.pg_relation_size(r.reltoastrelid) END AS bytes,
               r.relpages::int8 AS known, r.reltuples::float8 AS tuples) z
    GROUP BY u.name) t
