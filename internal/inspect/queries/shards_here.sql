-- Returns the shards of tables that are on one node. shard_sizes and shard_stats contain it in place of {shards}; the tables' quoted names are
-- in the array in braces. It runs on every node with the role's own search_path, so that its operators are qualified. shard_name omits the
-- schema "public".
SELECT u.name, c.oid AS logical, s.shardid, n.nspname, r.oid, r.relname, r.relfrozenxid, r.relminmxid, r.reltoastrelid, r.relpages, r.reltuples,
       pg_catalog.pg_relation_size(r.oid) AS size
FROM pg_catalog.unnest(ARRAY[{tables}]::text[]) u (name)
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(u.name)::oid
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_dist_shard s ON s.logicalrelid::oid OPERATOR(pg_catalog.=) c.oid
JOIN pg_catalog.pg_dist_placement p ON p.shardid OPERATOR(pg_catalog.=) s.shardid
JOIN pg_catalog.pg_dist_local_group g ON g.groupid OPERATOR(pg_catalog.=) p.groupid
JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(
    CASE WHEN n.nspname OPERATOR(pg_catalog.=) 'public'::name THEN 'public.' ELSE '' END
    OPERATOR(pg_catalog.||) pg_catalog.shard_name(s.logicalrelid, s.shardid))::oid
