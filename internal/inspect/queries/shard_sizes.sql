-- Returns the sizes of the shards on one node, added up by table, as JSON. Their quoted names are in the array in braces. It runs on every
-- node with the role's own search_path, so that its operators are qualified. Rows are estimated as for an ordinary table.
SELECT coalesce(pg_catalog.json_agg(t), '[]')::text
FROM (
    SELECT u.name AS "table",
           pg_catalog.sum(z.pages)::int8 AS pages,
           pg_catalog.sum(z.bytes)::int8 AS bytes,
           pg_catalog.sum(CASE
               WHEN z.known OPERATOR(pg_catalog.>) 0 AND z.tuples OPERATOR(pg_catalog.>=) 0::float8
                   THEN z.tuples OPERATOR(pg_catalog.*) z.pages::float8 OPERATOR(pg_catalog./) z.known::float8
               ELSE (z.pages OPERATOR(pg_catalog.*) 100)::float8 END)::float8 AS "rows"
    FROM pg_catalog.unnest(ARRAY[{tables}]::text[]) u (name)
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(u.name)::oid
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    JOIN pg_catalog.pg_dist_shard s ON s.logicalrelid::oid OPERATOR(pg_catalog.=) c.oid
    JOIN pg_catalog.pg_dist_placement p ON p.shardid OPERATOR(pg_catalog.=) s.shardid
    JOIN pg_catalog.pg_dist_local_group g ON g.groupid OPERATOR(pg_catalog.=) p.groupid
    -- shard_name omits the schema "public"
    JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(
        CASE WHEN n.nspname OPERATOR(pg_catalog.=) 'public'::name THEN 'public.' ELSE '' END
        OPERATOR(pg_catalog.||) pg_catalog.shard_name(s.logicalrelid, s.shardid))::oid
    CROSS JOIN LATERAL (
        SELECT pg_catalog.pg_relation_size(r.oid) OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::int8 AS pages,
               pg_catalog.pg_relation_size(r.oid) OPERATOR(pg_catalog.+)
               CASE WHEN r.reltoastrelid OPERATOR(pg_catalog.=) 0::oid THEN 0::int8 ELSE pg_catalog.pg_relation_size(r.reltoastrelid) END AS bytes,
               r.relpages::int8 AS known, r.reltuples::float8 AS tuples) z
    GROUP BY u.name) t
