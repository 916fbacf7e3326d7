-- Returns what ANALYZE found out about the columns of the tables $1 that the role may read.
SELECT c.oid::int8                       AS relation,
       s.attname::text                   AS name,
       s.avg_width::float8               AS width,
       s.null_frac::float8               AS nulls,
       s.n_distinct::float8              AS "distinct",
       coalesce(s.correlation, 0)::float8 AS correlation
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND NOT s.inherited
WHERE c.oid = ANY ($1::oid[])
