-- Returns the statistics of the shards on one node, by table, as JSON: sizes and dead rows added up, and the statistics that ANALYZE made
-- of the columns of the largest shard.
WITH shards AS MATERIALIZED (
    SELECT x.*,
           x.reltuples OPERATOR(pg_catalog.<) 0::float4
               OR x.relpages OPERATOR(pg_catalog.=) 0 AND x.size OPERATOR(pg_catalog.>) 0::int8 AS never_counted,
           pg_catalog.row_number() OVER (PARTITION BY x.name ORDER BY x.reltuples DESC) AS nth
    FROM ({shards}) x
)
SELECT coalesce(pg_catalog.json_agg(t), '[]')::text
FROM (
    SELECT h.name AS "table",
           pg_catalog.sum(pg_catalog.pg_table_size(h.oid))::int8                                AS bytes,
           pg_catalog.sum(coalesce(pg_catalog.pg_stat_get_dead_tuples(h.oid), 0))::float8       AS dead,
           pg_catalog.bool_or(h.never_counted)                                                  AS never_counted,
           pg_catalog.max(pg_catalog.age(h.relfrozenxid))::int8                                 AS frozen_age,
           pg_catalog.max(pg_catalog.mxid_age(h.relminmxid))::int8                              AS multi_age,
           pg_catalog.bool_or(EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.relid OPERATOR(pg_catalog.=) h.oid)) AS vacuuming,
           (SELECT pg_catalog.json_agg(x) FROM (
                SELECT i.relname AS name, pg_catalog.sum(pg_catalog.pg_relation_size(k.oid))::int8 AS bytes,
                       pg_catalog.sum(greatest(k.reltuples, 0))::float8 AS "rows"
                FROM shards o
                JOIN pg_catalog.pg_index d ON d.indrelid OPERATOR(pg_catalog.=) o.logical
                JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) d.indexrelid
                JOIN pg_catalog.pg_class k ON k.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(
                    CASE WHEN o.nspname OPERATOR(pg_catalog.=) 'public'::name THEN 'public.' ELSE '' END
                    OPERATOR(pg_catalog.||) pg_catalog.shard_name(i.oid, o.shardid))::oid
                WHERE o.name OPERATOR(pg_catalog.=) h.name
                GROUP BY i.relname) x) AS indexes,
           (SELECT pg_catalog.json_agg(x) FROM (
                SELECT s.attname AS name, s.avg_width AS width, s.null_frac AS nulls, s.n_distinct AS "distinct", coalesce(s.correlation, 0) AS correlation
                FROM shards o
                CROSS JOIN LATERAL (SELECT y.* FROM pg_catalog.pg_stats y WHERE y.schemaname OPERATOR(pg_catalog.=) o.nspname AND y.tablename OPERATOR(pg_catalog.=) o.relname AND NOT y.inherited OFFSET 0) s
                WHERE o.name OPERATOR(pg_catalog.=) h.name AND o.nth OPERATOR(pg_catalog.=) 1::int8) x) AS columns
    FROM shards h
    GROUP BY h.name) t
