-- Returns how the tables among the relations $1 are spread over the cluster; no row for an ordinary table.
SELECT c.oid::int8                                                       AS relation,
       CASE
           WHEN p.partmethod = 'h' THEN 'distributed'
           WHEN p.partmethod = 'a' THEN 'append-distributed'
           WHEN p.partmethod = 'r' THEN 'range-distributed'
           WHEN p.repmodel = 't' THEN 'reference'
           WHEN EXISTS (SELECT FROM pg_dist_schema s WHERE s.schemaid::oid = c.relnamespace) THEN 'schema-based'
           WHEN p.colocationid > 0 THEN 'single-shard'
           ELSE 'local'
       END                                                               AS kind,
       coalesce(column_to_column_name(p.logicalrelid, p.partkey), '')    AS "column",
       p.colocationid::int4                                              AS colocation,
       placed.shards, placed.nodes, placed.replicas
FROM pg_dist_partition p
JOIN pg_class c ON c.oid = p.logicalrelid
CROSS JOIN LATERAL (
    SELECT count(*)::int4 AS shards, coalesce(max(x.placements), 0)::int4 AS replicas,
           (SELECT count(DISTINCT a.groupid)::int4 FROM pg_dist_shard t JOIN pg_dist_placement a ON a.shardid = t.shardid
            WHERE t.logicalrelid = p.logicalrelid) AS nodes
    FROM (SELECT (SELECT count(*) FROM pg_dist_placement a WHERE a.shardid = s.shardid) AS placements
          FROM pg_dist_shard s WHERE s.logicalrelid = p.logicalrelid) x) placed
WHERE p.logicalrelid = ANY ($1::oid[]::regclass[])
