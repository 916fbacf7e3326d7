-- Returns the sizes of the shards on one node, added up by table, as JSON. Rows are estimated as for an ordinary table.
SELECT coalesce(pg_catalog.json_agg(t), '[]')::text
FROM (
    SELECT z.name AS "table",
           pg_catalog.sum(z.pages)::int8 AS pages,
           pg_catalog.sum(z.bytes)::int8 AS bytes,
           pg_catalog.sum(CASE
               WHEN z.relpages OPERATOR(pg_catalog.>) 0 AND z.reltuples OPERATOR(pg_catalog.>=) 0::float4
                   THEN z.reltuples::float8 OPERATOR(pg_catalog.*) z.pages::float8 OPERATOR(pg_catalog./) z.relpages::float8
               ELSE (z.pages OPERATOR(pg_catalog.*) 100)::float8 END)::float8 AS "rows"
    FROM (
        SELECT h.name, h.relpages, h.reltuples,
               h.size OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::int8 AS pages,
               h.size OPERATOR(pg_catalog.+)
               CASE WHEN h.reltoastrelid OPERATOR(pg_catalog.=) 0::oid THEN 0::int8 ELSE pg_catalog.pg_relation_size(h.reltoastrelid) END AS bytes
        FROM ({shards}) h) z
    GROUP BY z.name) t
